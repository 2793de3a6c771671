//! What the tests of texts share: cases from files and recordings, and Gitter's eyes.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, Mutex};

use gitter_markup::{Incoming, KnownMention, to_rich};
use remote::text::{Mention, Mentioned, Node, html, text_of};
use remote::{PersonId, RichText};
use serde_json::Value;

/// The cases of a file in `cases/`: title and text of each.
pub(crate) fn cases(file: &str) -> Vec<(String, String)> {
    let path = format!("{}/tests/cases/{file}.txt", env!("CARGO_MANIFEST_DIR"));
    let all = std::fs::read_to_string(path).expect("the files are as they should be");
    let (_, cases) = all
        .split_once("\n=== ")
        .expect("the files are as they should be");
    cases
        .trim_end_matches('\n')
        .split("\n=== ")
        .map(|case| {
            let (title, text) = case.split_once('\n').unwrap_or((case, ""));
            (title.to_owned(), unescaped(text))
        })
        .collect()
}

/// `\u{…}` as that character.
fn unescaped(text: &str) -> String {
    let mut pieces = text.split("\\u{");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (code, rest) = piece
            .split_once('}')
            .expect("the files are as they should be");
        let code = u32::from_str_radix(code, 16).expect("the files are as they should be");
        out.push(char::from_u32(code).expect("the files are as they should be"));
        out.push_str(rest);
    }
    out
}

/// Characters that cannot be seen, made visible: a zero-width space is `·`.
pub(crate) fn visible_gaps(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control() && c != '\n'
            || matches!(c, '\u{200C}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
    };
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{200B}' => out.push('·'),
            c if hidden(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// What people on Gitter see of a message with this Markdown. Everybody would be rung if it said so.
pub(crate) fn shown_on_gitter(markdown: &str) -> RichText {
    read(&rendered(markdown), markdown)
}

/// The same with emoji as their shortcodes, which may stand in any text.
pub(crate) fn shown_in_letters(markdown: &str) -> RichText {
    let html = rendered(markdown).replace(':', ":\u{200B}");
    read(&html.replace(":\u{200B}/", ":/"), markdown)
}

fn read(html: &str, markdown: &str) -> RichText {
    let all = KnownMention {
        screen_name: "all",
        user_id: None,
        announcement: true,
    };
    to_rich(&Incoming {
        html,
        text: markdown,
        mentions: &[all],
        ..Incoming::default()
    })
}

/// The HTML of a message: by the sandbox, or by the command in `MARKUP_RENDERER`, which gets the Markdown as a JSON string in a line and
/// answers with the HTML as another. So the real thing can be asked (`gitter-markdown-processor` 21.0.0 and ten lines around it).
fn rendered(markdown: &str) -> String {
    static OTHER: LazyLock<Option<Mutex<Renderer>>> = LazyLock::new(|| {
        let command = std::env::var("MARKUP_RENDERER").ok()?;
        Some(Mutex::new(Renderer::start(&command)))
    });
    match &*OTHER {
        Some(other) => other
            .lock()
            .expect("no other test failed in here")
            .html(markdown),
        None => gitter_sandbox::html(markdown),
    }
}

/// Another renderer, which ends when its standard input does.
struct Renderer {
    _child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Renderer {
    fn start(command: &str) -> Self {
        let mut child = Command::new("sh")
            .args(["-c", command])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the renderer starts");
        Self {
            ask: child.stdin.take().expect("it was asked for"),
            answers: BufReader::new(child.stdout.take().expect("it was asked for")),
            _child: child,
        }
    }

    fn html(&mut self, markdown: &str) -> String {
        writeln!(self.ask, "{}", Value::from(markdown)).expect("the renderer listens");
        let mut line = String::new();
        self.answers
            .read_line(&mut line)
            .expect("the renderer answers");
        serde_json::from_str(&line).expect("the renderer answers")
    }
}

/// Matrix's HTML, with `person:<username>`, `matrix:<id>` and `everybody:` in the place of pills.
pub(crate) fn from_matrix(source: &str) -> RichText {
    html::parse(source, &|it| {
        let href = it.attribute("href")?;
        let who = if let Some(name) = href.strip_prefix("person:") {
            Mentioned::Person {
                id: PersonId::from(name),
                username: Some(name.to_owned()),
            }
        } else if let Some(user) = href.strip_prefix("matrix:") {
            Mentioned::MatrixUser(user.to_owned())
        } else if href == "everybody:" {
            Mentioned::Everyone
        } else {
            return None;
        };
        Some(vec![Node::Mention(Mention {
            who,
            label: it.text(),
        })])
    })
}

/// All characters of a text without white space, since Gitter, as a browser, keeps only that there is some, and without our own
/// additions.
pub(crate) fn characters(text: &RichText) -> String {
    characters_of(&text_of(&text.nodes))
}

/// The same of plain text.
pub(crate) fn characters_of(text: &str) -> String {
    // Gitter takes a symbol for the end of a line, so an arrow is sent in its place.
    // In a link it writes out what turns letters around.
    text.replace('\u{2424}', "\u{21B5}")
        .replace("%E2%80%AE", "")
        .chars()
        .filter(|c| {
            !c.is_whitespace()
                && !c.is_control()
                && !matches!(c, '\u{200B}' | '\u{202E}' | '\u{2060}' | '\u{FEFF}')
        })
        .collect()
}

/// A message of a real Gitter.
pub(crate) struct Recorded {
    pub(crate) text: String,
    pub(crate) html: String,
    pub(crate) status: bool,
    pub(crate) sender: Option<String>,
    pub(crate) mentions: Vec<RecordedMention>,
}

/// Somebody mentioned in it.
pub(crate) struct RecordedMention {
    name: String,
    user: Option<String>,
    announcement: bool,
}

impl RecordedMention {
    pub(crate) fn known(&self) -> KnownMention<'_> {
        KnownMention {
            screen_name: &self.name,
            user_id: self.user.as_deref(),
            announcement: self.announcement,
        }
    }
}

/// Every message in the recordings, each text once, in the order of the texts.
pub(crate) fn recorded() -> Vec<Recorded> {
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recordings");
    let mut files = vec![base.join("rest.jsonl")];
    for file in std::fs::read_dir(base.join("realtime")).expect("the files are as they should be") {
        files.push(file.expect("the files are as they should be").path());
    }
    files.sort();
    let mut found = BTreeMap::new();
    for file in files {
        for line in std::fs::read_to_string(file)
            .expect("the files are as they should be")
            .lines()
        {
            collect(
                &serde_json::from_str(line).expect("the files are as they should be"),
                &mut found,
            );
        }
    }
    found.into_values().collect()
}

fn collect(value: &Value, found: &mut BTreeMap<String, Recorded>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(fields) => {
            let string = |key: &str| fields.get(key).and_then(Value::as_str).map(str::to_owned);
            if let (Some(text), Some(html), Some(_)) =
                (string("text"), string("html"), fields.get("sent"))
            {
                let mentions = fields.get("mentions").and_then(Value::as_array);
                let message = Recorded {
                    text: text.clone(),
                    html,
                    status: fields.get("status") == Some(&Value::Bool(true)),
                    sender: value
                        .pointer("/fromUser/username")
                        .and_then(Value::as_str)
                        .map(str::to_owned),
                    mentions: mentions.into_iter().flatten().filter_map(mention).collect(),
                };
                // The one which tells most.
                let better = found
                    .get(&text)
                    .is_none_or(|before| before.mentions.len() < message.mentions.len());
                if better {
                    found.insert(text, message);
                }
            }
            fields.values().for_each(|value| collect(value, found));
        }
        _ => {}
    }
}

fn mention(value: &Value) -> Option<RecordedMention> {
    Some(RecordedMention {
        name: value.get("screenName")?.as_str()?.to_owned(),
        user: value
            .get("userId")
            .and_then(Value::as_str)
            .map(str::to_owned),
        announcement: value.get("announcement") == Some(&Value::Bool(true)),
    })
}
