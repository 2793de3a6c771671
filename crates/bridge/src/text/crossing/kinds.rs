//! Kinds of events that the network does not know but that have a sensible form as text: polls, places, and whatever
//! carries a text for clients that do not know it.
//!
//! To add a kind: a function here that gives its [`TextContent`], and its line in `crossing`.

use std::fmt::Write as _;

use remote::MessageKind;
use serde_json::Value;

use super::{Crossing, TextContent, Unsupported};

/// Longest question or answer of a poll that is carried, in characters; the spec allows events of 64 kB only.
const LONGEST: usize = 2_000;

/// A poll in the form of its question and its numbered answers (Matrix spec v1.7, "Polls" of MSC3381, stable and
/// unstable).
pub(super) fn poll(content: &Value) -> Crossing {
    let Some(poll) = either(content, "m.poll", "org.matrix.msc3381.poll.start") else {
        return worded(content, Unsupported::Poll);
    };
    let question = poll.get("question").and_then(extensible);
    let answers: Vec<String> = poll
        .get("answers")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(extensible)
        .collect();
    let Some(question) = question.filter(|_| !answers.is_empty()) else {
        return worded(content, Unsupported::Poll);
    };
    let mut body = format!("Poll: {question}");
    let mut html = format!("<p><strong>Poll:</strong> {}</p><ol>", escape(&question));
    for (number, answer) in answers.iter().enumerate() {
        // Writing into a string cannot fail.
        let _ = write!(body, "\n{}. {answer}", number + 1);
        let _ = write!(html, "<li>{}</li>", escape(answer));
    }
    html.push_str("</ol>");
    said(body, Some(html))
}

/// The end of a poll, with the result if the client wrote one into its text.
pub(super) fn poll_end(content: &Value) -> Crossing {
    let text = extensible(content).or_else(|| body(content));
    said(
        text.unwrap_or_else(|| "The poll has ended.".to_owned()),
        None,
    )
}

/// A place, as a link to a map and its description (`m.location`; MSC3488 adds description and kind).
pub(super) fn location(content: &Value) -> Crossing {
    let place = either(content, "m.location", "org.matrix.msc3488.location");
    let uri = content
        .get("geo_uri")
        .or_else(|| place.and_then(|place| place.get("uri")))
        .and_then(Value::as_str);
    let Some((latitude, longitude)) = uri.and_then(geo) else {
        return worded(content, Unsupported::Location);
    };
    let is_sender = either(content, "m.asset", "org.matrix.msc3488.asset")
        .and_then(|asset| asset.get("type"))
        .and_then(Value::as_str)
        == Some("m.self");
    let description = place
        .and_then(|place| place.get("description"))
        .and_then(Value::as_str)
        .map(tidy)
        .or_else(|| body(content))
        // What clients write there if the user wrote nothing.
        .filter(|text| !text.is_empty() && !text.contains("geo:"));
    let label = description.unwrap_or_else(|| {
        if is_sender {
            "My location".to_owned()
        } else {
            "Location".to_owned()
        }
    });
    let map = format!(
        "https://www.openstreetmap.org/?mlat={latitude}&mlon={longitude}#map=16/{latitude}/{longitude}"
    );
    let html = format!("📍 <a href=\"{}\">{}</a>", escape(&map), escape(&label));
    said(format!("📍 {label}: {map}"), Some(html))
}

/// What a client shows that does not know the kind: its text (MSC1767), or else its `body`.
pub(super) fn worded(content: &Value, otherwise: Unsupported) -> Crossing {
    if let Some(text) = extensible(content) {
        return said(text, None);
    }
    match body(content) {
        Some(body) => {
            let is_html =
                content.get("format").and_then(Value::as_str) == Some("org.matrix.custom.html");
            let html = content
                .get("formatted_body")
                .and_then(Value::as_str)
                .filter(|_| is_html);
            said(body, html.map(ToOwned::to_owned))
        }
        None => Crossing::Unsupported(otherwise),
    }
}

fn said(body: String, html: Option<String>) -> Crossing {
    Crossing::Message(TextContent {
        kind: MessageKind::Text,
        body,
        html,
        file: None,
        everybody: false,
        mentioned: None,
    })
}

fn either<'a>(content: &'a Value, stable: &str, unstable: &str) -> Option<&'a Value> {
    [stable, unstable]
        .into_iter()
        .filter_map(|key| content.get(key))
        .find(|it| it.is_object())
}

/// The plain text of an extensible event: a list of representations, or one string (MSC1767, of which polls use both
/// the stable and the two unstable forms).
fn extensible(content: &Value) -> Option<String> {
    for key in ["m.text", "org.matrix.msc1767.text"] {
        let text = match content.get(key) {
            Some(Value::String(text)) => Some(text.as_str()),
            Some(Value::Array(forms)) => plain(forms),
            _ => None,
        };
        if let Some(text) = text.map(tidy).filter(|text| !text.is_empty()) {
            return Some(text);
        }
    }
    for key in ["m.message", "org.matrix.msc1767.message"] {
        if let Some(text) = content
            .get(key)
            .and_then(Value::as_array)
            .and_then(|forms| plain(forms))
        {
            let text = tidy(text);
            if !text.is_empty() {
                return Some(text);
            }
        }
    }
    None
}

fn plain(forms: &[Value]) -> Option<&str> {
    forms
        .iter()
        .find(|form| {
            form.get("mimetype")
                .and_then(Value::as_str)
                .is_none_or(|mime| mime == "text/plain")
        })?
        .get("body")?
        .as_str()
}

fn body(content: &Value) -> Option<String> {
    content
        .get("body")
        .and_then(Value::as_str)
        .map(tidy)
        .filter(|body| !body.is_empty())
}

fn tidy(text: &str) -> String {
    text.trim().chars().take(LONGEST).collect()
}

/// Latitude and longitude of a `geo:` URI in degrees (RFC 5870), if they are on earth.
fn geo(uri: &str) -> Option<(f64, f64)> {
    let (scheme, rest) = uri.trim().split_once(':')?;
    let coordinates = rest.split(';').next()?;
    let mut numbers = coordinates.split(',').map(|it| it.trim().parse::<f64>());
    let (latitude, longitude) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    let on_earth = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
    (scheme.eq_ignore_ascii_case("geo") && on_earth).then_some((latitude, longitude))
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("<br>"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::text::{Crossing, Unsupported, crossing};

    fn words(kind: &str, content: &serde_json::Value) -> (String, Option<String>) {
        match crossing(kind, content) {
            Crossing::Message(text) => (text.body, text.html),
            other => panic!("{kind}: {other:?}"),
        }
    }

    #[test]
    fn a_poll_crosses_as_its_question_and_answers() {
        let unstable = json!({
            "org.matrix.msc3381.poll.start": {
                "kind": "org.matrix.msc3381.poll.disclosed",
                "max_selections": 1,
                "question": {"org.matrix.msc1767.text": "Tea <or> coffee?"},
                "answers": [
                    {"id": "1", "org.matrix.msc1767.text": "Tea"},
                    {"id": "2", "org.matrix.msc1767.text": "Coffee & cake"},
                ],
            },
            "org.matrix.msc1767.text": "Tea <or> coffee?\n1. Tea",
        });
        let stable = json!({
            "m.poll": {
                "question": {"m.text": [{"body": "<b>no</b>", "mimetype": "text/html"}, {"body": "Tea <or> coffee?"}]},
                "answers": [{"m.id": "1", "m.text": [{"body": "Tea"}]}, {"m.id": "2", "m.text": [{"body": "Coffee & cake"}]}],
            },
        });
        for (kind, content) in [
            ("org.matrix.msc3381.poll.start", &unstable),
            ("m.poll.start", &stable),
        ] {
            let (body, html) = words(kind, content);
            assert_eq!(body, "Poll: Tea <or> coffee?\n1. Tea\n2. Coffee & cake");
            assert_eq!(
                html.unwrap(),
                "<p><strong>Poll:</strong> Tea &lt;or&gt; coffee?</p><ol><li>Tea</li><li>Coffee &amp; cake</li></ol>"
            );
        }
    }

    #[test]
    fn a_poll_that_cannot_be_read_crosses_as_its_text_if_it_has_one() {
        let text = json!({"org.matrix.msc3381.poll.start": {"answers": 7}, "org.matrix.msc1767.text": "Q?"});
        assert_eq!(words("org.matrix.msc3381.poll.start", &text).0, "Q?");
        for nothing in [
            json!({}),
            json!({"m.poll": []}),
            json!({"m.poll": {"question": {"m.text": []}}}),
        ] {
            assert_eq!(
                crossing("m.poll.start", &nothing),
                Crossing::Unsupported(Unsupported::Poll)
            );
        }
    }

    #[test]
    fn the_end_of_a_poll_crosses_and_votes_do_not() {
        let end = json!({
            "org.matrix.msc3381.poll.end": {},
            "org.matrix.msc1767.text": "The poll has ended. Top answer: Tea",
        });
        assert_eq!(
            words("org.matrix.msc3381.poll.end", &end).0,
            "The poll has ended. Top answer: Tea"
        );
        assert_eq!(words("m.poll.end", &json!({})).0, "The poll has ended.");
        for kind in ["m.poll.response", "org.matrix.msc3381.poll.response"] {
            assert_eq!(
                crossing(kind, &json!({})),
                Crossing::Unsupported(Unsupported::Vote)
            );
        }
    }

    #[test]
    fn a_place_crosses_as_a_link_to_a_map() {
        let map = "https://www.openstreetmap.org/?mlat=51.5008&mlon=-0.1247#map=16/51.5008/-0.1247";
        let own = json!({
            "msgtype": "m.location",
            "body": "Location geo:51.5008,-0.1247;u=35 at 2026-11-22",
            "geo_uri": "geo:51.5008,-0.1247;u=35",
            "org.matrix.msc3488.asset": {"type": "m.self"},
        });
        assert_eq!(
            words("m.room.message", &own).0,
            format!("📍 My location: {map}")
        );
        let described = json!({
            "msgtype": "m.location",
            "body": "Big Ben, London",
            "geo_uri": "geo:51.5008,-0.1247",
        });
        let (body, html) = words("m.room.message", &described);
        assert_eq!(body, format!("📍 Big Ben, London: {map}"));
        assert_eq!(
            html.unwrap(),
            format!(
                "📍 <a href=\"{}\">Big Ben, London</a>",
                map.replace('&', "&amp;")
            )
        );
        let event = json!({"m.location": {"uri": "geo:1,2", "description": "<there>"}});
        assert!(
            words("m.location", &event)
                .1
                .unwrap()
                .ends_with("&lt;there&gt;</a>")
        );
    }

    #[test]
    fn a_place_nowhere_crosses_as_its_words_at_most() {
        for uri in ["geo:91,0", "geo:x,y", "geo:1", "http:1,2", "geo:NaN,0", ""] {
            let content = json!({"msgtype": "m.location", "geo_uri": uri});
            assert_eq!(
                crossing("m.room.message", &content),
                Crossing::Unsupported(Unsupported::Location),
                "{uri}"
            );
            let content =
                json!({"msgtype": "m.location", "geo_uri": uri, "body": "behind the shed"});
            assert_eq!(words("m.room.message", &content).0, "behind the shed");
        }
    }

    #[test]
    fn whatever_has_words_crosses_as_these() {
        let confetti = json!({"msgtype": "nic.custom.confetti", "body": "sends confetti"});
        assert_eq!(words("m.room.message", &confetti).0, "sends confetti");
        let extensible = json!({"m.text": [{"body": "an essay"}]});
        assert_eq!(words("org.example.essay", &extensible).0, "an essay");
        let message = json!({"org.matrix.msc1767.message": [{"body": "<b>x</b>", "mimetype": "text/html"}, {"body": "x", "mimetype": "text/plain"}]});
        assert_eq!(words("org.example.essay", &message).0, "x");
        for nothing in [
            json!({}),
            json!({"body": " "}),
            json!({"m.text": 7, "body": []}),
        ] {
            assert_eq!(
                crossing("org.example.essay", &nothing),
                Crossing::Unsupported(Unsupported::Other)
            );
        }
    }
}
