"""The bodies of the API. Made of its OpenAPI document by generate.py: do not edit."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

class BookedEvent(TypedDict):
    """The event that was booked."""

    aggregate: str
    """Whose stream it is in: `ticket-<id>` or `payout-<host>`."""
    event_type: str
    hash: str
    """Hex SHA-256: the chain's value at this position."""
    payload: dict[str, Any]
    position: int
    sequence: int

Channel = Literal['web', 'ios', 'android']

class Checkpoint(TypedDict):
    """What the log was at a size, signed by its notary."""

    hash: str
    """Hex SHA-256: the chain's value at that position."""
    note: str
    """The signed note (C2SP `tlog-checkpoint`) with the signatures of the notary and of witnesses."""
    root: str
    """Hex SHA-256: the root of the Merkle tree (RFC 6962) of all events up to there."""
    signed_at: Moment
    size: int
    """Of how many events: the position of the last one."""

ClassTotal = TypedDict('ClassTotal', {'balance_minor': 'int', 'class': 'str', 'credit_minor': 'int', 'currency': 'str', 'debit_minor': 'int'})

class ClosedMonth(TypedDict):
    """The books of a month whose last day is sealed. All of it but `checkpoint` follows from the log up to `position`, and is the same for ever."""

    accounts: list[ClosedMonthAccount]
    """By account and currency, without those that stood at zero and did not move."""
    after: int
    """The last log position before the month."""
    agrees_with_seals: bool
    """The books of today, as of both closes, come to what the seals say. `false` means that somebody has changed the books."""
    checkpoint: NotRequired[Checkpoint | None]
    classes: list[ClosedMonthAccount]
    """By class of account and currency."""
    days: list[SealedClose]
    """The seals of its days, the first first."""
    events: int
    """How many events the month had."""
    hash: str
    """Hex SHA-256: the chain's value there."""
    month: str
    """`2026-11`"""
    position: int
    """The last log position of the month: `?as_of=` takes it."""
    previous: NotRequired[SealedClose | None]

class ClosedMonthAccount(TypedDict):
    """An account, or a class of accounts, in one currency over the month. Amounts are minor units; a balance is debit minus credit."""

    closing_minor: int
    """The balance at this one."""
    credit_minor: int
    currency: str
    debit_minor: int
    """What the month added to each side."""
    grand_credit_minor: int
    grand_debit_minor: int
    """Everything that was ever added to each side, this month included: these totals only grow."""
    is_new: bool
    """Used for the first time in this month."""
    name: str
    """`liability:host:…:available`, or of a class the first two parts: `liability:host`."""
    opening_minor: int
    """The balance at the last close."""

ConsistencyProof = TypedDict('ConsistencyProof', {'from': 'int', 'from_root': 'str', 'proof': 'list[str]', 'to': 'int', 'to_root': 'str'})

class ExplainedBalance(TypedDict):
    """Debit less credit, in minor units."""

    balance_minor: int
    closing_minor: int
    """After the last one."""
    currency: str
    opening_minor: int
    """Before the first line of this page."""

class ExplainedLine(TypedDict):
    """One line, with the event that was booked, and the sale or payout it is about."""

    amount: Money
    """Debit is positive, credit negative."""
    at: Moment
    event: BookedEvent
    payout: NotRequired[ExplainedPayout | None]
    sale: NotRequired[ExplainedSale | None]

class ExplainedPayment(TypedDict):
    amount: Money
    attempt: int
    payment_id: str
    provider: str
    provider_ref: NotRequired[str | None]
    """The provider's name of the payment, once it was told."""

class ExplainedPayout(TypedDict):
    """The payout a line is about."""

    payout_id: str
    reference: NotRequired[str | None]
    """The provider's name of it, once it was told."""

class ExplainedRules(TypedDict):
    """The rules that divide the money of a sale, as they were recorded with it."""

    channel: Channel
    platform_fee_base: str
    """`after_provider` or `after_store`: what the platform's fee is a share of."""
    platform_fee_basis_points: int
    platform_fee_tier: NotRequired[dict[str, Any] | None]
    """Another platform fee, once the host has had so much."""
    preset: str
    preset_version: int
    store_fee_basis_points: int
    tax_country: NotRequired[str | None]
    tax_evidence: list[dict[str, Any]]
    tax_rate_basis_points: NotRequired[int | None]
    tax_version: NotRequired[int | None]

class ExplainedSale(TypedDict):
    """The sale behind a line: its rules, its payments, and its facts up to the line."""

    facts: list[Fact]
    host_id: str
    payments: list[ExplainedPayment]
    room_id: str
    rules: ExplainedRules
    ticket_id: str
    total: Money

class Explanation(TypedDict):
    """A balance and what is behind it. The amounts of all lines of all pages add up to the balance; those of one page to what it closes with, less what it opens with."""

    account: str
    balances: list[ExplainedBalance]
    lines: list[ExplainedLine]
    next: NotRequired[str | None]
    """Goes on with `?after=` and the same `as_of`; null at the end."""
    position: int
    """The balance is the one at this log position."""

class Fact(TypedDict):
    event_type: str
    hash: str
    """Hex SHA-256: the chain's value at this position."""
    payload_sha256: str
    position: int
    recorded_at: Moment

class FieldError(TypedDict):
    """A field that is wrong."""

    detail: str
    pointer: str
    """A JSON pointer into the body, or `/query/<name>`, `/headers/<name>`."""

class InclusionProof(TypedDict):
    """That an event is in the log of a checkpoint."""

    checkpoint: Checkpoint
    leaf_hash: str
    """Hex SHA-256: the leaf of the tree that the event is."""
    position: int
    proof: list[str]
    """The inclusion proof of RFC 6962: hashes from the leaf's sibling up, in hex."""

class LedgerAccount(TypedDict):
    """Amounts are minor units of the currency. The balance is debit minus credit."""

    account: str
    balance_minor: int
    credit_minor: int
    currency: str
    debit_minor: int

class LedgerTotal(TypedDict):
    balance_minor: int
    currency: str

class LogEvent(TypedDict):
    """A stored event. `payload` and `metadata` are the stored bytes."""

    aggregate_id: str
    aggregate_type: str
    event_type: str
    event_version: str
    hash: str
    """Hex SHA-256: the chain's value at this position."""
    metadata: dict[str, Any]
    payload: dict[str, Any]
    position: int
    recorded_at: Moment
    recorded_at_micros: int
    """The same in microseconds since 1970: what the hash is made of."""
    sequence: int

class LogHead(TypedDict):
    """The end of the log."""

    checkpoint: NotRequired[Checkpoint | None]
    hash: str
    """Hex SHA-256: the chain's value there."""
    position: int
    """0 before the first event."""
    verifier_key: str
    """What checkpoints and receipts are verified with. Whoever wants to be sure of the shop has it from elsewhere."""

class MatchedLines(TypedDict):
    """Pairs of one kind in one currency."""

    kind: str
    """`charge`, `refund`, `refund_failed`, `transfer`, `transfer_returned`, `dispute`, `dispute_won`, `dispute_fee` or `other`"""
    lines: int
    net: Money

Moment = str

class Money(TypedDict):
    """An amount in the currency's minor unit: 1000 USD is ten dollars, 1000 JPY a thousand yen."""

    amount_minor: int
    currency: str
    """ISO 4217"""

class OpenLedgerLine(TypedDict):
    """A line of the provider's cash account that is not on its statement."""

    age_seconds: int
    amount: Money
    """Debit is positive, credit negative."""
    booked_at: Moment
    event_type: str
    position: int
    """The event that was booked."""
    reason: str
    """`amount_differs`, `not_settled_yet` or `missing_at_provider`"""
    reference: NotRequired[str | None]

class OpenProviderLine(TypedDict):
    """A line of the provider's statement that is not in the books."""

    age_seconds: int
    kind: str
    line_id: str
    net: Money
    """What it did to the balance at the provider, fees off."""
    reason: str
    """`not_ours`, `amount_differs`, `not_booked_yet` or `unknown_here`"""
    reference: NotRequired[str | None]
    """Kind and subject, as the books name them; null for other business of the account."""
    told_at: Moment

class Page_Checkpoint(TypedDict):
    """A page of a list. `next` continues it with `?after=`; null at the end."""

    data: list[dict[str, Any]]
    next: NotRequired[str | None]

class Page_LedgerAccount(TypedDict):
    """A page of a list. `next` continues it with `?after=`; null at the end."""

    data: list[dict[str, Any]]
    next: NotRequired[str | None]

class Page_LedgerLine(TypedDict):
    """A page of a list. `next` continues it with `?after=`; null at the end."""

    data: list[dict[str, Any]]
    next: NotRequired[str | None]

class Page_LogEvent(TypedDict):
    """A page of a list. `next` continues it with `?after=`; null at the end."""

    data: list[dict[str, Any]]
    next: NotRequired[str | None]

class Page_SealedDay(TypedDict):
    """A page of a list. `next` continues it with `?after=`; null at the end."""

    data: list[dict[str, Any]]
    next: NotRequired[str | None]

class Problem(TypedDict):
    """Problem details (RFC 9457). `code` is stable; `detail` is for people."""

    code: str
    detail: str
    errors: NotRequired[list[FieldError]]
    """The fields that are wrong, where it is about fields."""
    reason: NotRequired[str | None]
    """Of `entry_refused`: `not_issued`, `refunded`, `revoked`, `removed` or `transferred`. Of `sold_out`: which quota, `room`, `tier`, `promo_code` or `waiting_list`. Of `promo_code_refused`: `unknown`, `not_yet`, `expired`, `other_tier` or `buyer_limit`. Of `receipt_refused`: `signature`, `unreadable`, `no_purchase`, `other_ticket`, `other_channel` or `wrong_amount`. Of `erasure_refused`: `open_ticket`, `upcoming_room`, `open_refund`, `open_dispute` or `open_balance`."""
    status: int
    title: str
    trace_id: str
    type: str
    """`/problems/<code>`"""

class Reconciliation(TypedDict):
    """What is reconciled and what is not. Of each side the oldest 200 open lines are listed."""

    ledger_lines: list[OpenLedgerLine]
    ledger_lines_open: int
    """How many lines of the books have no line on the provider's statement."""
    matched: list[MatchedLines]
    """By kind and currency."""
    provider: str
    provider_lines: list[OpenProviderLine]
    provider_lines_open: int
    """How many lines of the provider's statement have no line in the books."""

class SealRequest(TypedDict):
    force_reason: NotRequired[str | None]
    """Seal it although lines have not been reconciled for more than 48 hours: a word that says why, for the record."""

class SealedClose(TypedDict):
    """A sealed day, as a close."""

    date: str
    events: int
    force_reason: NotRequired[str | None]
    """Why it was sealed although lines were overdue."""
    hash: str
    position: int
    sealed_at: Moment
    sealed_position: int
    """Where the log has the seal."""
    unreconciled: int
    """Lines that were not reconciled when it was sealed."""

class SealedDay(TypedDict):
    """The books as they stood at the end of a day."""

    date: str
    events: int
    """How many events the day had; of the first sealed day, all up to its end."""
    force_reason: NotRequired[str | None]
    """Why it was sealed although lines were overdue."""
    hash: str
    """Hex SHA-256: the chain's value there."""
    position: int
    """The last log position of the day: `?as_of=` takes it."""
    sealed_at: Moment
    sealed_by: str
    sealed_position: int
    """Where the log has the seal."""
    totals: list[ClassTotal]
    """By class of account and currency."""
    unreconciled: int
    """Lines of the day and before it that were not reconciled when it was sealed."""

class TrialBalance(TypedDict):
    """Every account, and what they add up to."""

    data: list[LedgerAccount]
    position: int
    """The balance holds at this log position or later; with `as_of` at this very position."""
    totals: list[LedgerTotal]
    """Zero in each currency, or the books are wrong."""
