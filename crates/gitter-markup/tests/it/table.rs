//! Tables of cases: what is written on one side, and what the other side gets. The inputs are the files of `cases/` and
//! every message of the recordings; what becomes of them stands in `snapshots/`, to be read as a whole.
//!
//! To add a case, add it to the file of its subject; to add a subject, add a file and a test here.

use std::fmt::Write as _;

use crate::support::{cases, characters, from_matrix, recorded, shown_on_gitter, visible_gaps};
use gitter_markup::{
    Forge, ForgeKind, Incoming, KnownMention, MAX_UNITS, split, to_markdown, to_rich,
};
use remote::text::{NoNames, html, plain};
use remote::{Composed, RichText};

const BOB: KnownMention<'_> = KnownMention {
    screen_name: "bob",
    user_id: Some("1"),
    announcement: false,
};
const ALICE: KnownMention<'_> = KnownMention {
    screen_name: "alice",
    user_id: Some("2"),
    announcement: false,
};
const ALL: KnownMention<'_> = KnownMention {
    screen_name: "all",
    user_id: None,
    announcement: true,
};

/// What Matrix gets of a message.
fn to_matrix(out: &mut String, title: &str, source: &str, message: &Incoming<'_>) {
    let rich = to_rich(message);
    let written = html::render(&rich, &NoNames);
    // What is read as itself holds nothing but what Matrix allows.
    assert_eq!(
        html::render(&html::parse_plainly(&written), &NoNames),
        written,
        "{title}"
    );
    let body = plain::render(&rich, &NoNames);
    let _ = write!(out, "━━━ {title}\n{source}\n─── body\n{body}\n");
    if !rich.is_plain() {
        let _ = writeln!(out, "─── formatted_body\n{written}");
    }
    for mentioned in rich.mentions() {
        let _ = writeln!(out, "─── mentions {mentioned:?}");
    }
}

/// What Gitter gets of a text, and shows.
fn to_gitter(out: &mut String, title: &str, source: &str, composed: &Composed) {
    let markdown = to_markdown(composed);
    let pieces = split(&markdown, MAX_UNITS);
    assert_eq!(pieces, std::slice::from_ref(&markdown), "{title}");
    let shown = html::render(&shown_on_gitter(&markdown), &NoNames);
    let _ = write!(
        out,
        "━━━ {title}\n{source}\n─── Markdown\n{}\n─── shown\n{}\n",
        visible_gaps(&markdown),
        visible_gaps(&shown)
    );
}

fn table(file: &str, case: impl Fn(&mut String, &str, &str)) {
    let mut out = String::new();
    for (title, source) in cases(file) {
        case(&mut out, &title, &source);
    }
    insta::with_settings!({omit_expression => true, prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!(file.replace('/', "_"), visible_gaps(&out));
    });
}

fn from_gitter(file: &str, message: &Incoming<'_>) {
    table(file, |out, title, source| {
        let html = gitter_sandbox::html(source);
        let message = Incoming {
            html: &html,
            text: source,
            site: "https://gitter.im",
            sender: Some("alice"),
            ..*message
        };
        to_matrix(out, title, source, &message);
    });
}

#[test]
fn from_gitter_formatting() {
    from_gitter("from_gitter/formatting", &Incoming::default());
}

#[test]
fn from_gitter_mentions() {
    from_gitter(
        "from_gitter/mentions",
        &Incoming {
            mentions: &[BOB, ALICE, ALL],
            ..Incoming::default()
        },
    );
}

#[test]
fn from_gitter_emotes() {
    from_gitter(
        "from_gitter/emotes",
        &Incoming {
            mentions: &[BOB, ALICE],
            status: true,
            ..Incoming::default()
        },
    );
}

#[test]
fn from_gitter_references() {
    let forge = Forge {
        kind: ForgeKind::GitHub,
        repository: "acme/lobby",
    };
    from_gitter(
        "from_gitter/references",
        &Incoming {
            forge: Some(forge),
            ..Incoming::default()
        },
    );
}

#[test]
fn to_gitter_typed_by_hand() {
    table("to_gitter/typed_by_hand", |out, title, source| {
        to_gitter(out, title, source, &Composed::Plain(source.to_owned()));
    });
}

#[test]
fn to_gitter_formatted() {
    table("to_gitter/formatted", |out, title, source| {
        to_gitter(out, title, source, &Composed::Rich(from_matrix(source)));
    });
}

/// Every message that a real Gitter was seen to render, as Matrix gets it.
#[test]
fn from_gitter_recorded() {
    let mut out = String::new();
    for (number, message) in recorded().iter().enumerate() {
        let mentions: Vec<_> = message.mentions.iter().map(|it| it.known()).collect();
        let incoming = Incoming {
            html: &message.html,
            text: &message.text,
            mentions: &mentions,
            status: message.status,
            sender: message.sender.as_deref(),
            site: "https://gitter.im",
            forge: None,
        };
        to_matrix(&mut out, &number.to_string(), &message.text, &incoming);
    }
    insta::with_settings!({omit_expression => true, prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("from_gitter_recorded", visible_gaps(&out));
    });
}

/// The same texts, typed on Matrix; and as text without any markup, of which Gitter shows each character.
#[test]
fn to_gitter_recorded() {
    let mut out = String::new();
    for (number, message) in recorded().iter().enumerate() {
        let text = &message.text;
        // What is longer than a message is `splitting`'s business.
        if text.encode_utf16().count() > MAX_UNITS / 2 {
            continue;
        }
        to_gitter(
            &mut out,
            &number.to_string(),
            text,
            &Composed::Plain(text.clone()),
        );
        let shown = shown_on_gitter(&to_markdown(&Composed::Rich(RichText::plain(text))));
        // Gitter shortens addresses of issues and commits, whoever writes them.
        if ["github.com/", "gitlab.com/", "repo@"]
            .iter()
            .any(|one| text.contains(one))
        {
            continue;
        }
        // Its pages show shortcodes as emoji.
        let meant = to_rich(&Incoming {
            text,
            ..Incoming::default()
        });
        assert_eq!(characters(&shown), characters(&meant), "{text}");
    }
    insta::with_settings!({omit_expression => true, prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("to_gitter_recorded", visible_gaps(&out));
    });
}

#[test]
fn there_are_enough_cases() {
    let files = [
        "from_gitter/formatting",
        "from_gitter/mentions",
        "from_gitter/emotes",
        "from_gitter/references",
        "to_gitter/typed_by_hand",
        "to_gitter/formatted",
    ];
    let written: usize = files.iter().map(|file| cases(file).len()).sum();
    assert!(written >= 200, "{written} cases");
    assert!(recorded().len() >= 90);
}
