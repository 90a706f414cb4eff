//! Whole numbers as figures for people.
#![expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures for people; no money is computed here"
)]

use super::table::figure;

/// `part` of `whole`s, such as microseconds in seconds.
pub(crate) fn quotient(part: u64, whole: u64) -> String {
    if part.is_multiple_of(whole) && part / whole < 100 {
        return (part / whole).to_string();
    }
    figure(part as f64 / whole as f64)
}

/// Microseconds in seconds, or nanoseconds in milliseconds.
pub(crate) fn millionths(part: u64) -> String {
    figure(part as f64 / 1e6)
}

/// A share: 333 is 33 %.
pub(crate) fn of_thousand(permille: u64) -> String {
    if permille < 100 {
        return format!("{}.{} %", permille / 10, permille % 10);
    }
    format!("{} %", figure((permille / 10) as f64).trim_end_matches(".0"))
}

/// Millionths of a dollar, not rounded.
pub(crate) fn dollars(usd6: u64) -> String {
    format!("{}.{:06}", usd6 / 1_000_000, usd6 % 1_000_000)
}

/// A measured figure as a whole number.
pub(crate) fn whole(value: f64) -> u64 {
    value.round() as u64
}

/// Seconds that were measured, in milliseconds.
pub(crate) fn thousandths(value: f64) -> u64 {
    whole(value * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_shown_as_people_read_them() {
        assert_eq!(quotient(7, 1), "7");
        assert_eq!(quotient(1_500, 1_000), "1.50");
        assert_eq!(quotient(5_000_000, 1), "5,000,000");
        assert_eq!(of_thousand(7), "0.7 %");
        assert_eq!(of_thousand(333), "33 %");
        assert_eq!(of_thousand(22_220), "2,222 %");
        assert_eq!(dollars(590_001), "0.590001");
        assert_eq!(thousandths(18.4), 18_400);
    }
}
