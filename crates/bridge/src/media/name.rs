//! Names of files, which strangers choose.

/// The longest name of a file, in characters.
const LONGEST: usize = 120;

/// The longest name in a link; it is there for looks only.
const LONGEST_IN_LINK: usize = 80;

/// A name that fits into an event and a line, and reads as what it is.
pub(crate) fn sound(name: &str) -> String {
    let name: String = name
        .chars()
        .filter(|c| !turns(*c))
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LONGEST)
        .collect();
    let name = name.trim();
    if name.is_empty() {
        return "file".to_owned();
    }
    name.to_owned()
}

/// Characters that change the direction of writing, and so make `exe.png` of `gnp.exe`.
fn turns(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A name as it stands in a link: what could end the link in somebody's markup is left out, and so is what looks like a path.
pub(super) fn in_link(name: &str) -> String {
    let sound = |c: char| c.is_alphanumeric() || "._-".contains(c);
    let mut out = String::new();
    for c in name.chars().take(LONGEST_IN_LINK) {
        if sound(c) {
            out.push(c);
        } else if !out.ends_with('_') {
            out.push('_');
        }
    }
    let out = out.trim_matches(['.', '_']);
    if out.is_empty() {
        return "file".to_owned();
    }
    out.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_as_what_they_are() {
        for (name, expected) in [
            ("cat.png", "cat.png"),
            (" a\nb\0c ", "a b c"),
            ("\u{202e}gnp.exe", "gnp.exe"),
            ("", "file"),
            ("\u{2066}\u{2069}", "file"),
        ] {
            assert_eq!(sound(name), expected, "{name:?}");
        }
        assert_eq!(sound(&"\u{fc}".repeat(30_000)).chars().count(), LONGEST);
    }

    #[test]
    fn names_stand_well_in_links() {
        for (name, expected) in [
            ("cat.png", "cat.png"),
            ("my  cat (1).png", "my_cat_1_.png"),
            ("../../etc/passwd", "etc_passwd"),
            ("..", "file"),
            ("", "file"),
            ("\u{202e}gnp.exe\0", "gnp.exe"),
            ("<script>](x)", "script_x"),
            ("Ünïcode_日本.jpg", "Ünïcode_日本.jpg"),
        ] {
            assert_eq!(in_link(name), expected, "{name:?}");
        }
        assert_eq!(in_link(&"x".repeat(300)).len(), LONGEST_IN_LINK);
    }
}
