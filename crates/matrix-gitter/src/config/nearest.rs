//! The known word nearest to a mistyped one.

/// How alike two words have to be to be worth suggesting, from 0 (nothing in common) to 1.
const ALIKE: f64 = 0.7;

/// The candidate nearest to `typed`, if one is near enough to have been meant.
pub(crate) fn nearest<'a>(typed: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let likeness = |candidate: &str| strsim::jaro_winkler(&typed.to_lowercase(), candidate);
    candidates
        .iter()
        .map(|candidate| (*candidate, likeness(candidate)))
        .filter(|(_, likeness)| *likeness >= ALIKE)
        .max_by(|(_, one), (_, other)| one.total_cmp(other))
        .map(|(candidate, _)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_finds_its_word_and_nonsense_finds_none() {
        let known = ["address", "domain", "port", "hostname"];
        assert_eq!(nearest("adress", &known), Some("address"));
        assert_eq!(nearest("Domian", &known), Some("domain"));
        assert_eq!(nearest("host_name", &known), Some("hostname"));
        assert_eq!(nearest("zzz", &known), None);
    }
}
