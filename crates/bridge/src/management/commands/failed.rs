//! `failed`, `retry`, `discard`: messages that could not be delivered.

use remote::text::NoNames;
use store::{Item, Lane};

use super::{Call, Notice, words};
use crate::delivery::ToMatrix;
use crate::intake::matrix::MatrixEvent;
use crate::{Error, lanes};
use words::failed::Failure;

pub(super) async fn show(call: &Call<'_>) -> Result<Notice, Error> {
    let mut failures = Vec::new();
    for item in call.world.store.failed_items(call.user.as_str()).await? {
        failures.push(Failure {
            room: room(call, &item).await?,
            words: first_words(&item),
            why: item.why.clone().unwrap_or_else(|| "unknown".to_owned()),
        });
    }
    Ok(words::failed::list(&failures))
}

pub(super) async fn retry(call: &Call<'_>) -> Result<Notice, Error> {
    let items = chosen(call).await?;
    for item in &items {
        now_written(call, item).await?;
        call.world.store.retry_item(item.id).await?;
        lanes::nudge(call.world, &item.lane);
    }
    Ok(if items.is_empty() {
        words::failed::nothing()
    } else {
        words::failed::retrying(items.len())
    })
}

pub(super) async fn discard(call: &Call<'_>) -> Result<Notice, Error> {
    let items = chosen(call).await?;
    for item in &items {
        call.world.store.discard_item(item.id).await?;
    }
    Ok(if items.is_empty() {
        words::failed::nothing()
    } else {
        words::failed::discarded(items.len())
    })
}

/// Whoever asks for it now wants it said now, however long ago he wrote it.
async fn now_written(call: &Call<'_>, item: &Item) -> Result<(), Error> {
    if !matches!(item.lane, Lane::ToRemote(_)) {
        return Ok(());
    }
    // What cannot be read fails again.
    if let Ok(mut event) = serde_json::from_str::<MatrixEvent>(&item.payload) {
        event.written_at = Some(call.world.now());
        let payload =
            serde_json::to_string(&event).map_err(|error| Error::Unreadable(error.to_string()))?;
        call.world.store.rewrite_item(item.id, &payload).await?;
    }
    Ok(())
}

/// The items that the number, or `all`, means.
async fn chosen(call: &Call<'_>) -> Result<Vec<Item>, Error> {
    let mut items = call.world.store.failed_items(call.user.as_str()).await?;
    if items.is_empty() || call.args.eq_ignore_ascii_case("all") {
        return Ok(items);
    }
    let number = call.args.trim_end_matches('.').parse::<usize>().ok();
    match number
        .and_then(|number| number.checked_sub(1))
        .filter(|index| *index < items.len())
    {
        Some(index) => Ok(vec![items.swap_remove(index)]),
        None => Err(Error::Refused(words::failed::no_such(
            call.args,
            items.len(),
        ))),
    }
}

async fn room(call: &Call<'_>, item: &Item) -> Result<String, Error> {
    let portal = match &item.lane {
        Lane::ToRemote(portal) | Lane::ToMatrix(portal) => call.world.store.portal(*portal).await?,
        Lane::Control(_) => None,
    };
    Ok(portal.map_or_else(|| "?".to_owned(), |portal| portal.shown.address))
}

/// Enough of a message to know it again.
fn first_words(item: &Item) -> String {
    let text = match &item.lane {
        Lane::ToRemote(_) => serde_json::from_str::<MatrixEvent>(&item.payload)
            .ok()
            .and_then(|event| {
                if event.redacts.is_some() {
                    return Some("(a deletion)".to_owned());
                }
                event.content.get("body")?.as_str().map(str::to_owned)
            }),
        Lane::ToMatrix(_) => match ToMatrix::from_payload(&item.payload) {
            Ok(ToMatrix::Message(message) | ToMatrix::Changed(message)) => {
                Some(remote::text::plain::render(&message.text, &NoNames))
            }
            _ => None,
        },
        Lane::Control(_) => None,
    };
    text.map_or_else(|| "(no text)".to_owned(), |text| shorten(&text))
}

/// The first words, on one line.
fn shorten(text: &str) -> String {
    const LONGEST: usize = 40;
    let mut out = String::new();
    for word in text.split_whitespace() {
        if !out.is_empty() && out.chars().count() + 1 + word.chars().count() > LONGEST {
            return out + " …";
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars().take(LONGEST));
        if word.chars().count() > LONGEST {
            out.push('…');
            return out;
        }
    }
    if out.is_empty() {
        "(no text)".to_owned()
    } else {
        out
    }
}

#[cfg(test)]
mod tests {
    use super::shorten;

    #[test]
    fn a_message_is_known_by_its_first_words() {
        assert_eq!(shorten("Hello there"), "Hello there");
        assert_eq!(shorten("one\n two  three"), "one two three");
        assert_eq!(
            shorten(&"word ".repeat(20)),
            "word word word word word word word word …"
        );
        assert_eq!(shorten(&"x".repeat(100)), format!("{}…", "x".repeat(40)));
        assert_eq!(shorten("  "), "(no text)");
    }
}
