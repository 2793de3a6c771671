//! Every parser of text that strangers write, as targets for a fuzzer.
//!
//! `cargo xtask fuzz` runs them with libFuzzer (in `runner/`, which is no part of the workspace, since it needs a C++ compiler);
//! `tests/corpus.rs` runs them over the small corpus in `corpus/<target>/` with every `cargo test`. What the fuzzer finds goes
//! into the corpus, mended.
//!
//! One more target: a function here and its line in [`TARGETS`], and a file in `corpus/` to begin with.

use bridge::text::crossing;
use gitter_markup::{Incoming, MAX_UNITS, split, to_markdown, to_rich};
use remote::text::{NoNames, html, plain};
use remote::{Composed, RichText};
use serde_json::json;

/// A target takes any bytes; a panic is a finding.
pub type Target = fn(&[u8]);

/// All targets by name.
pub const TARGETS: &[(&str, Target)] = &[
    ("gitter-html", gitter_html),
    ("matrix-html", matrix_html),
    ("typed-text", typed_text),
    ("matrix-content", matrix_content),
    ("transaction", transaction),
    ("gitter-message", gitter_message),
    ("bayeux", bayeux),
];

/// A message's `html` as Gitter gives it, to what Matrix is sent.
fn gitter_html(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let rich = to_rich(&Incoming {
        html: text,
        text,
        sender: Some("alice"),
        status: text.len().is_multiple_of(2),
        site: "https://gitter.im",
        ..Incoming::default()
    });
    let read = |html: &str| html::render(&html::parse_plainly(html), &NoNames);
    // Reading tidies, such as blanks at the end, once and no more.
    let tidy = read(&html::render(&rich, &NoNames));
    assert_eq!(read(&tidy), tidy, "what is tidy stays as it is");
    plain::render(&rich, &NoNames);
}

/// A `formatted_body`, to what Gitter is sent.
fn matrix_html(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        sent(&Composed::Rich(html::parse_plainly(text)));
    }
}

/// A `body` typed by hand, to what Gitter is sent.
fn typed_text(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        sent(&Composed::Plain(text.to_owned()));
        sent(&Composed::Rich(RichText::plain(text)));
    }
}

fn sent(text: &Composed) {
    let markdown = to_markdown(text);
    for part in split(&markdown, MAX_UNITS) {
        let units = part.encode_utf16().count();
        assert!(units <= MAX_UNITS, "a part has {units} units");
    }
}

/// The content of an `m.room.message`, or of an event whose type is the first line.
fn matrix_content(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (kind, content) = text.split_once('\n').unwrap_or(("m.room.message", text));
    let content = serde_json::from_str(content).unwrap_or_else(|_| json!({ "body": content }));
    crossing(kind, &content);
}

/// The body of a transaction.
fn transaction(data: &[u8]) {
    let Some(transaction) = homeserver::appservice::read_transaction(data) else {
        return;
    };
    for event in transaction.events {
        crossing(&event.kind, &event.content);
    }
}

/// A message of Gitter's API.
fn gitter_message(data: &[u8]) {
    if let Ok(message) = serde_json::from_slice::<gitter::Message>(data) {
        gitter_html(message.html.as_bytes());
    }
}

/// Frames of Gitter's realtime service, one a line.
fn bayeux(data: &[u8]) {
    gitter::realtime::read_frames(data.split(|byte| *byte == b'\n'));
}
