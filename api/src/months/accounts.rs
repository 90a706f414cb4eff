//! What a stretch of the log did to the accounts: with what each opened, what was added to both sides, with what it closed.

use std::collections::BTreeMap;

use domain::Currency;
use domain::shop::ClassTotal;
use projections::ledger::AccountBalance;
use serde::Serialize;
use utoipa::ToSchema;

use crate::days::by_class;

/// An account, or a class of accounts, in one currency over the month. Amounts are minor units; a balance is debit minus credit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[schema(as = ClosedMonthAccount)]
pub(super) struct MovedBody {
    /// `liability:host:…:available`, or of a class the first two parts: `liability:host`.
    pub(super) name: String,
    #[schema(value_type = String)]
    pub(super) currency: Currency,
    /// The balance at the last close.
    pub(super) opening_minor: i64,
    /// What the month added to each side.
    pub(super) debit_minor: i64,
    pub(super) credit_minor: i64,
    /// The balance at this one.
    pub(super) closing_minor: i64,
    /// Everything that was ever added to each side, this month included: these totals only grow.
    pub(super) grand_debit_minor: i64,
    pub(super) grand_credit_minor: i64,
    /// Used for the first time in this month.
    pub(super) is_new: bool,
}

impl MovedBody {
    fn has_moved(&self) -> bool {
        (
            self.opening_minor,
            self.closing_minor,
            self.debit_minor,
            self.credit_minor,
        ) != (0, 0, 0, 0)
    }
}

#[derive(Clone, Copy, Default)]
struct Sides {
    debit: i64,
    credit: i64,
}

impl Sides {
    const fn balance(self) -> i64 {
        self.debit.saturating_sub(self.credit)
    }
}

type Key = (String, Currency);

fn moved<'a>(
    opening: &BTreeMap<Key, Sides>,
    closing: &'a BTreeMap<Key, Sides>,
) -> impl Iterator<Item = MovedBody> + 'a {
    let opening: BTreeMap<Key, Sides> = opening.clone();
    closing.iter().map(move |((name, currency), closing)| {
        let before = opening.get(&(name.clone(), *currency)).copied();
        let opened = before.unwrap_or_default();
        MovedBody {
            name: name.clone(),
            currency: *currency,
            opening_minor: opened.balance(),
            debit_minor: closing.debit.saturating_sub(opened.debit),
            credit_minor: closing.credit.saturating_sub(opened.credit),
            closing_minor: closing.balance(),
            grand_debit_minor: closing.debit,
            grand_credit_minor: closing.credit,
            is_new: before.is_none(),
        }
    })
}

fn sides_of_accounts(books: &[AccountBalance]) -> BTreeMap<Key, Sides> {
    let side = |row: &AccountBalance| {
        let sides = Sides {
            debit: row.debit_minor,
            credit: row.credit_minor,
        };
        ((row.account.clone(), row.currency), sides)
    };
    books.iter().map(side).collect()
}

fn sides_of_classes(books: &[AccountBalance]) -> BTreeMap<Key, Sides> {
    let side = |total: ClassTotal| {
        let sides = Sides {
            debit: total.debit_minor,
            credit: total.credit_minor,
        };
        ((total.class, total.currency), sides)
    };
    by_class(books).into_iter().map(side).collect()
}

/// Accounts by name and currency, without those that stood at zero and did not move.
pub(super) fn accounts(opening: &[AccountBalance], closing: &[AccountBalance]) -> Vec<MovedBody> {
    let (opening, closing) = (sides_of_accounts(opening), sides_of_accounts(closing));
    moved(&opening, &closing).filter(MovedBody::has_moved).collect()
}

/// All classes of accounts that were ever used.
pub(super) fn classes(opening: &[AccountBalance], closing: &[AccountBalance]) -> Vec<MovedBody> {
    let (opening, closing) = (sides_of_classes(opening), sides_of_classes(closing));
    moved(&opening, &closing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(account: &str, debit_minor: i64, credit_minor: i64) -> AccountBalance {
        AccountBalance {
            account: account.to_owned(),
            currency: Currency::USD,
            debit_minor,
            credit_minor,
            balance_minor: debit_minor - credit_minor,
        }
    }

    #[test]
    fn a_month_is_the_difference_of_two_closes_and_totals_only_grow() {
        let opening = [row("cash:bank", 500, 100), row("cash:provider:a", 7, 7)];
        let closing = [
            row("cash:bank", 800, 150),
            row("cash:provider:a", 7, 7),
            row("liability:host:h:available", 0, 250),
        ];
        let rows = accounts(&opening, &closing);
        assert_eq!(rows.len(), 2, "an account that rests at zero is not shown: {rows:?}");
        let bank = &rows[0];
        assert_eq!(
            (bank.opening_minor, bank.debit_minor, bank.credit_minor),
            (400, 300, 50)
        );
        assert_eq!(
            (bank.closing_minor, bank.grand_debit_minor, bank.grand_credit_minor),
            (650, 800, 150)
        );
        assert!(!bank.is_new && rows[1].is_new);
        let classes = classes(&opening, &closing);
        let names: Vec<&str> = classes.iter().map(|class| class.name.as_str()).collect();
        assert_eq!(names, ["cash:bank", "cash:provider", "liability:host"]);
    }
}
