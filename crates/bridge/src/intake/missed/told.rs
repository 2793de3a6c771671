//! Which transactions the homeserver told us last: one that comes again says that our answer got lost, so that the homeserver took us for
//! down and is recovering from that.

use std::{collections::VecDeque, time::Duration};

use remote::Millis;

/// So many are remembered. A homeserver repeats the one that was not answered before it sends another, or very few.
const REMEMBERED: usize = 16;

/// The latest transactions.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The newest last.
    ids: VecDeque<String>,
    at: Option<Millis>,
}

impl Told {
    /// Notes a transaction; whether it came before.
    pub(super) fn again(&mut self, id: &str, now: Millis) -> bool {
        self.at = Some(now);
        if self.ids.iter().any(|known| known == id) {
            return true;
        }
        self.ids.push_back(id.to_owned());
        if self.ids.len() > REMEMBERED {
            self.ids.pop_front();
        }
        false
    }

    /// How long it takes until nothing was told for so long; `None` if that is so.
    pub(super) fn calm_in(&self, calm: Duration, now: Millis) -> Option<Duration> {
        let since = u64::try_from(now - self.at?).unwrap_or(0);
        let left = calm.saturating_sub(Duration::from_millis(since));
        (!left.is_zero()).then_some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeat_is_noticed_and_what_is_long_ago_forgotten() {
        let mut told = Told::default();
        assert!(!told.again("1", 0));
        assert!(told.again("1", 1));
        for id in 2..20 {
            assert!(!told.again(&id.to_string(), 2));
        }
        assert!(!told.again("1", 3));
        assert_eq!(told.ids.len(), REMEMBERED);
    }

    #[test]
    fn it_is_calm_when_nothing_was_told_for_a_while() {
        let (mut told, calm) = (Told::default(), Duration::from_secs(2));
        assert_eq!(told.calm_in(calm, 0), None);
        told.again("1", 10_000);
        let left = told.calm_in(calm, 11_500);
        assert_eq!(left, Some(Duration::from_millis(500)));
        assert_eq!(told.calm_in(calm, 12_000), None);
        assert_eq!(told.calm_in(calm, 9_000), Some(calm), "a clock put back");
    }
}
