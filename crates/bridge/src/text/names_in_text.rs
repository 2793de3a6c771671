//! Names of people in what a Matrix user wrote, where his client left no pill: `@username`, Matrix ids, and the names which
//! clients complete (`Bob (Gitter): hello`). Pure: who is called what is handed in.
//!
//! To let people be called by one more thing: put it into [`Callings`], where `from_matrix` gathers them.

use std::collections::{BTreeSet, HashMap};

use remote::text::{Element, Mention, Mentioned, Node, Tag};

/// What clients let people type to ring everybody.
const EVERYBODY: &str = "@room";

/// Who is called what.
#[derive(Clone, Debug, Default)]
pub struct Callings {
    /// The user meant to ring everybody.
    pub everybody: bool,
    /// Words behind an `@`, exactly as they were written.
    pub handles: HashMap<String, Mentioned>,
    /// Names without one.
    pub names: Vec<Calling>,
}

/// A name by which somebody may be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calling {
    /// As people see it.
    pub name: String,
    /// Whose it is.
    pub who: Mentioned,
    /// It counts wherever it stands as a word, once; else only as the first thing said, with a colon or comma behind it,
    /// since it may be a word like any other.
    pub anywhere: bool,
}

/// Turns the names in text into mentions; what stands in code and links is left alone.
pub(super) fn call(nodes: Vec<Node>, mut callings: Callings) -> Vec<Node> {
    // "Ann Lee" before "Ann".
    callings
        .names
        .sort_by_key(|calling| std::cmp::Reverse(calling.name.len()));
    callings.names.retain(|calling| !calling.name.is_empty());
    let mut caller = Caller {
        callings,
        at_start: true,
    };
    caller.nodes(nodes)
}

/// All words behind an `@` that could be somebody's, each in the forms it can be read in.
pub(super) fn handles(nodes: &[Node]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open: Vec<_> = nodes.iter().collect();
    while let Some(node) = open.pop() {
        match node {
            Node::Text(text) => {
                for (at, _) in text.match_indices('@') {
                    if begins_word(text, at) {
                        found.extend(readings(&text[at + 1..]).map(ToOwned::to_owned));
                    }
                }
            }
            Node::Element(Element { tag, children }) if reads_names(tag) => open.extend(children),
            Node::Element(_) | Node::Mention(_) | Node::MessageLink { .. } => {}
        }
    }
    found
}

/// Whether names inside mean people.
fn reads_names(tag: &Tag) -> bool {
    !matches!(
        tag,
        Tag::Code | Tag::CodeBlock { .. } | Tag::Link { .. } | Tag::Math { .. }
    )
}

/// How the word at the start can be read: as a Matrix id without its `@`, if it could be one, then as a username.
fn readings(text: &str) -> impl Iterator<Item = &str> {
    let end = |text: &str, fits: &dyn Fn(char) -> bool| {
        text.find(|c: char| !fits(c)).unwrap_or(text.len())
    };
    let local = end(text, &|c| c.is_alphanumeric() || "._-=/+".contains(c));
    let server = text[local..].strip_prefix(':').map_or(0, |behind| {
        let host = end(behind, &|c| c.is_ascii_alphanumeric() || ".-:".contains(c));
        1 + host
    });
    let trim = |text: &str| text.trim_end_matches(|c: char| !c.is_alphanumeric()).len();
    let id = trim(&text[..local + server]);
    let name = trim(&text[..local]);
    [id, name]
        .into_iter()
        .enumerate()
        .filter(move |&(number, length)| local > 0 && length > 0 && (number == 1 || length > local))
        .map(|(_, length)| &text[..length])
}

fn begins_word(text: &str, at: usize) -> bool {
    !text[..at]
        .chars()
        .next_back()
        .is_some_and(char::is_alphanumeric)
}

fn ends_word(text: &str, at: usize) -> bool {
    !text[at..].starts_with(char::is_alphanumeric)
}

struct Caller {
    callings: Callings,
    /// Nothing was said yet.
    at_start: bool,
}

impl Caller {
    fn nodes(&mut self, nodes: Vec<Node>) -> Vec<Node> {
        let mut out = Vec::with_capacity(nodes.len());
        for node in nodes {
            match node {
                Node::Text(text) => {
                    self.text(&text, &mut out);
                    self.at_start &= text.trim().is_empty();
                }
                Node::Element(Element { tag, children }) if reads_names(&tag) => {
                    let children = self.nodes(children);
                    out.push(tag.with(children));
                }
                other => {
                    self.at_start = false;
                    out.push(other);
                }
            }
        }
        out
    }

    fn text(&mut self, text: &str, out: &mut Vec<Node>) {
        let mut done = 0;
        let mut at = 0;
        while let Some(c) = text[at..].chars().next() {
            let found = if begins_word(text, at) {
                self.named(text, at)
            } else {
                None
            };
            let Some((who, length)) = found else {
                at += c.len_utf8();
                continue;
            };
            if done < at {
                out.push(Node::Text(text[done..at].to_owned()));
            }
            out.push(Node::Mention(Mention {
                who,
                label: text[at..at + length].to_owned(),
            }));
            at += length;
            done = at;
        }
        if done < text.len() {
            out.push(Node::Text(text[done..].to_owned()));
        }
    }

    /// Who is named at this place, and by how many bytes.
    fn named(&mut self, text: &str, at: usize) -> Option<(Mentioned, usize)> {
        let rest = &text[at..];
        let behind = rest.strip_prefix('@');
        if self.callings.everybody && rest.starts_with(EVERYBODY) {
            return Some((Mentioned::Everyone, EVERYBODY.len()));
        }
        if let Some(behind) = behind {
            let handles = &self.callings.handles;
            let known = readings(behind).find_map(|word| Some((handles.get(word)?, word.len())));
            if let Some((who, length)) = known {
                return Some((who.clone(), 1 + length));
            }
        }
        let first = self.at_start && text[..at].trim().is_empty();
        let bare = behind.unwrap_or(rest);
        let sign = rest.len() - bare.len();
        let position = self.callings.names.iter().position(|calling| {
            bare.starts_with(&calling.name)
                && ends_word(bare, calling.name.len())
                && (calling.anywhere
                    || behind.is_some()
                    || first && bare[calling.name.len()..].starts_with([':', ',']))
        })?;
        // Once is enough to ring him; behind that his name may be a word.
        let calling = self.callings.names.remove(position);
        Some((calling.who, sign + calling.name.len()))
    }
}

#[cfg(test)]
mod tests {
    use remote::PersonId;

    use super::*;

    fn person(username: &str) -> Mentioned {
        Mentioned::Person {
            id: PersonId::from("1"),
            username: Some(username.to_owned()),
        }
    }

    fn callings() -> Callings {
        let calling = |name: &str, anywhere| Calling {
            name: name.to_owned(),
            who: person("bob"),
            anywhere,
        };
        Callings {
            everybody: true,
            handles: HashMap::from([
                ("BOB".to_owned(), person("bob")),
                ("gitter_1:example.org".to_owned(), person("bob")),
            ]),
            names: vec![calling("Will", false), calling("Will (Gitter)", true)],
        }
    }

    /// The text with what was found in angle brackets.
    fn called(text: &str) -> String {
        let nodes = call(vec![Node::Text(text.to_owned())], callings());
        nodes
            .iter()
            .map(|node| match node {
                Node::Text(text) => text.clone(),
                Node::Mention(mention) => format!("<{}>", mention.label),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn names_are_found_where_they_mean_people() {
        for (text, expected) in [
            ("hi @BOB, there", "hi <@BOB>, there"),
            ("@BOB: hi", "<@BOB>: hi"),
            ("@BOB's and @BOBBY", "<@BOB>'s and @BOBBY"),
            ("me@BOB", "me@BOB"),
            ("ask @gitter_1:example.org.", "ask <@gitter_1:example.org>."),
            ("@gitter_2:example.org", "@gitter_2:example.org"),
            ("@room lunch", "<@room> lunch"),
            ("Will (Gitter): hi", "<Will (Gitter)>: hi"),
            ("hi Will (Gitter)", "hi <Will (Gitter)>"),
            ("Will: Will you?", "<Will>: Will you?"),
            ("Will you?", "Will you?"),
            ("I hope Will: yes", "I hope Will: yes"),
            ("hey @Will", "hey <@Will>"),
            ("Willy: no", "Willy: no"),
            ("é@BOB ü@room", "é@BOB ü@room"),
            ("@", "@"),
        ] {
            assert_eq!(called(text), expected);
        }
    }

    #[test]
    fn code_and_links_are_left_alone() {
        let text = || vec![Node::Text("@BOB".to_owned())];
        let link = Tag::Link {
            href: "https://a.b".to_owned(),
            title: None,
        };
        let quiet = vec![Tag::Code.with(text()), link.with(text())];
        assert_eq!(call(quiet.clone(), callings()), quiet);
        assert!(handles(&quiet).is_empty());
        let loud = call(vec![Tag::Strong.with(text())], callings());
        assert!(
            matches!(&loud[..], [Node::Element(it)] if matches!(it.children[..], [Node::Mention(_)]))
        );
    }

    #[test]
    fn words_are_read_as_ids_and_as_usernames() {
        let nodes = [Node::Text("@a.b:c.d:80. @x, me@y @é: @:z @-".to_owned())];
        let found: Vec<_> = handles(&nodes).into_iter().collect();
        assert_eq!(found, ["a.b", "a.b:c.d:80", "x", "é"]);
    }

    proptest::proptest! {
        #[test]
        fn no_character_is_lost(text in "(@|BOB|Will|room|[ :,]|\\PC){0,30}") {
            let said = called(&text);
            let bare = |text: &str| text.replace(['<', '>'], "");
            proptest::prop_assert_eq!(bare(&said), bare(&text));
        }
    }
}
