//! Whether an event of a Matrix user can cross to the network, and how.
//!
//! What cannot cross (yet) is a variant of [`Unsupported`] with its words, so that nothing is passed over
//! in silence.

mod kinds;

use remote::{MessageKind, Millis};
use ruma::MxcUri;
use serde_json::{Value, json};

use crate::media::name;

/// What becomes of an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Crossing {
    /// It crosses as a message.
    Message(TextContent),
    /// There is nothing in it to carry.
    Nothing,
    /// It does not cross, and the user is told.
    Unsupported(Unsupported),
}

/// The text of an `m.room.message`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextContent {
    /// Said, done, or by a machine.
    pub kind: MessageKind,
    /// The plain text, without the quotation of what it answers.
    pub body: String,
    /// The same as HTML, if the client formatted it.
    pub html: Option<String>,
    /// A file that came with it; the text is then what was said of it.
    pub file: Option<FileContent>,
    /// The user meant to ring everybody (`m.mentions`, Matrix spec v1.7).
    pub everybody: bool,
    /// Whom the user meant to ring (`m.mentions`, Matrix spec v1.7); `None` if his client does not say.
    pub mentioned: Option<Vec<String>>,
}

/// A file on Matrix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileContent {
    /// Where it is: an `mxc://` URI.
    pub mxc: String,
    /// What it is called.
    pub name: String,
    /// A picture, which can be shown in its place.
    pub picture: bool,
    /// What its event says of it, as far as it can be said again: `msgtype` and `info`.
    pub about: Value,
}

/// What does not cross.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unsupported {
    /// A picture, a file, a recording that is encrypted.
    EncryptedFile,
    /// A picture, a file, a recording without an address.
    NoFile,
    /// A place that cannot be read.
    Location,
    /// A reaction.
    Reaction,
    /// A poll that cannot be read.
    Poll,
    /// A vote in a poll.
    Vote,
    /// Encrypted.
    Encrypted,
    /// A call.
    Call,
    /// Anything else.
    Other,
}

impl Unsupported {
    /// For telling storms apart.
    pub fn name(self) -> &'static str {
        match self {
            Self::EncryptedFile => "encrypted file",
            Self::NoFile => "no file",
            Self::Location => "location",
            Self::Reaction => "reaction",
            Self::Poll => "poll",
            Self::Vote => "vote",
            Self::Encrypted => "encrypted",
            Self::Call => "call",
            Self::Other => "other",
        }
    }

    /// For how long, in milliseconds, it is enough to have said it once in a room: short for what somebody
    /// wanted to say, long for what comes in storms.
    pub fn quiet_for(self) -> Millis {
        match self {
            Self::EncryptedFile
            | Self::NoFile
            | Self::Location
            | Self::Poll
            | Self::Encrypted
            | Self::Other => 5_000,
            Self::Reaction | Self::Call => 600_000,
            Self::Vote => 24 * 3_600_000,
        }
    }

    /// What the user is told. It holds for what comes in the same breath, too, and is not answered again.
    pub fn words(self, network: &str) -> String {
        match self {
            Self::EncryptedFile => format!(
                "Encrypted pictures and files are not delivered to {network}, since the bridge cannot read them."
            ),
            Self::NoFile => format!(
                "There is no file in what you sent, as far as the bridge can see: it is not delivered to {network}."
            ),
            Self::Location => {
                format!(
                    "This place was not delivered to {network}, since it says neither where it is nor what it is."
                )
            }
            Self::Reaction => format!("{network} knows no reactions; nobody there sees yours."),
            Self::Poll => {
                format!(
                    "This poll was not delivered to {network}, since its question or its answers are missing."
                )
            }
            Self::Vote => format!(
                "Polls cross to {network} as text; nobody there can vote, and nobody there sees your vote."
            ),
            Self::Encrypted => format!(
                "Encrypted messages are not delivered to {network}, since the bridge cannot read them."
            ),
            Self::Call => format!("Calls do not cross to {network}; nobody there hears you."),
            Self::Other => {
                format!(
                    "Messages of this kind do not cross to {network}: what you send of them is not delivered."
                )
            }
        }
    }
}

/// Decides what becomes of a message-like event.
pub fn crossing(kind: &str, content: &Value) -> Crossing {
    let what = match kind {
        "m.room.message" => return message(content),
        "m.reaction" => Unsupported::Reaction,
        "m.room.encrypted" => Unsupported::Encrypted,
        "m.sticker" => return file(content, "m.image"),
        "m.poll.start" | "org.matrix.msc3381.poll.start" => return kinds::poll(content),
        "m.poll.end" | "org.matrix.msc3381.poll.end" => return kinds::poll_end(content),
        "m.poll.response" | "org.matrix.msc3381.poll.response" => Unsupported::Vote,
        "m.location" | "org.matrix.msc3488.location" => return kinds::location(content),
        _ if kind.starts_with("m.call.") || kind.contains(".call.") || kind.contains("rtc.") => {
            Unsupported::Call
        }
        // Talk among a user's own devices about keys; nothing that anybody said.
        _ if kind.starts_with("m.key.verification.") => return Crossing::Nothing,
        _ => return kinds::worded(content, Unsupported::Other),
    };
    Crossing::Unsupported(what)
}

fn message(content: &Value) -> Crossing {
    let relation = content.get("m.relates_to");
    let kind = match content.get("msgtype").and_then(Value::as_str) {
        Some("m.text") => MessageKind::Text,
        Some("m.emote") => MessageKind::Emote,
        Some("m.notice") => MessageKind::Notice,
        Some(kind @ ("m.image" | "m.file" | "m.audio" | "m.video")) => return file(content, kind),
        Some("m.location") => return kinds::location(content),
        // Talk among devices; a redacted event, or none that anybody could show.
        Some("m.key.verification.request") | None => return Crossing::Nothing,
        Some(_) => return kinds::worded(content, Unsupported::Other),
    };
    let Some(body) = content.get("body").and_then(Value::as_str) else {
        return Crossing::Nothing;
    };
    let is_reply = relation.and_then(|it| it.get("m.in_reply_to")).is_some();
    let body = if is_reply {
        without_quotation(body)
    } else {
        body
    };
    let is_html = content.get("format").and_then(Value::as_str) == Some("org.matrix.custom.html");
    let html = content
        .get("formatted_body")
        .and_then(Value::as_str)
        .filter(|_| is_html);
    if body.trim().is_empty() && html.is_none_or(|html| html.trim().is_empty()) {
        return Crossing::Nothing;
    }
    Crossing::Message(TextContent {
        kind,
        body: body.to_owned(),
        html: html.map(ToOwned::to_owned),
        file: None,
        everybody: content.pointer("/m.mentions/room").and_then(Value::as_bool) == Some(true),
        mentioned: mentioned(content),
    })
}

/// A picture, a file, a recording, a sticker. With `filename`, `body` is what was said of it (Matrix spec v1.10, "Media captions").
fn file(content: &Value, msgtype: &str) -> Crossing {
    let text = |key: &str| content.get(key).and_then(Value::as_str);
    if content.get("file").is_some_and(Value::is_object) {
        return Crossing::Unsupported(Unsupported::EncryptedFile);
    }
    let url = text("url").filter(|url| <&MxcUri>::from(*url).is_valid());
    let Some(mxc) = url else {
        return Crossing::Unsupported(Unsupported::NoFile);
    };
    let body = text("body").unwrap_or_default();
    let named = text("filename").filter(|name| !name.trim().is_empty());
    let caption = named.is_some_and(|name| name != body);
    let is_html = text("format") == Some("org.matrix.custom.html");
    let name = named.unwrap_or(body);
    Crossing::Message(TextContent {
        kind: MessageKind::Text,
        body: if caption {
            body.trim().to_owned()
        } else {
            String::new()
        },
        html: text("formatted_body")
            .filter(|_| caption && is_html)
            .map(ToOwned::to_owned),
        file: Some(FileContent {
            mxc: mxc.to_owned(),
            name: name::sound(name),
            picture: msgtype == "m.image",
            about: json!({"msgtype": msgtype, "info": info(content)}),
        }),
        everybody: content.pointer("/m.mentions/room").and_then(Value::as_bool) == Some(true),
        mentioned: mentioned(content),
    })
}

/// What an event says of its file, without what is too long, of another type, or about other files.
fn info(content: &Value) -> Value {
    const LONGEST: usize = 100;
    const NUMBERS: [&str; 4] = ["size", "w", "h", "duration"];
    const TEXTS: [&str; 2] = ["mimetype", "xyz.amorgan.blurhash"];
    let said = |key: &str| content.get("info").and_then(|info| info.get(key));
    let number = |key: &&str| said(key).is_some_and(Value::is_u64);
    let text = |key: &&str| {
        let text = said(key).and_then(Value::as_str);
        text.is_some_and(|text| text.len() <= LONGEST)
    };
    let kept = NUMBERS.into_iter().filter(number);
    let kept = kept.chain(TEXTS.into_iter().filter(text));
    kept.filter_map(|key| Some((key.to_owned(), said(key)?.clone())))
        .collect()
}

/// Whom the user meant to ring, as far as his client says.
fn mentioned(content: &Value) -> Option<Vec<String>> {
    /// So many are heeded: nobody means more, and each costs a look into the database.
    const AT_MOST: usize = 50;
    let users = content.get("m.mentions")?.get("user_ids");
    let users = users
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let users = users.iter().filter_map(Value::as_str).take(AT_MOST);
    Some(users.map(ToOwned::to_owned).collect())
}

/// Drops the quotation that older clients put before an answer: lines with `>`, then an empty one (Matrix
/// spec up to v1.12, "Fallbacks for rich replies").
fn without_quotation(body: &str) -> &str {
    if !body.starts_with("> <") && !body.starts_with("> * <") {
        return body;
    }
    let is_quoted = |text: &str| text.starts_with("> ") || text.starts_with(">\n");
    let mut rest = body;
    while is_quoted(rest) {
        rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
    }
    rest.strip_prefix('\n').unwrap_or(rest)
}

/// The text of an event, without the quotation of what it answers.
pub fn plain_body(content: &Value) -> String {
    let body = content.get("body").and_then(Value::as_str);
    without_quotation(body.unwrap_or_default()).to_owned()
}

/// Who is quoted before an answer, and with which words, where an older client does that.
pub fn quoted(body: &str) -> Option<(&str, String)> {
    let quotation = &body[..body.len() - without_quotation(body).len()];
    let (who, said) = quotation
        .strip_prefix("> * <")
        .or_else(|| quotation.strip_prefix("> <"))?
        .split_once('>')?;
    let lines = said.lines().map(|line| line.trim_start_matches("> "));
    let said = lines.filter(|line| *line != ">").collect::<Vec<_>>();
    Some((who, said.join("\n").trim().to_owned()))
}

#[cfg(test)]
mod tests;
