//! `failed`, `retry`, `discard`: messages that could not be delivered.

use std::collections::BTreeSet;

use remote::text::NoNames;
use store::{Item, Lane, Portal, PortalState};

use super::{Call, Notice, note, words};
use crate::delivery::ToMatrix;
use crate::intake::matrix::MatrixEvent;
use crate::{Error, lanes};
use words::failed::Failure;

pub(super) async fn show(call: &Call<'_>) -> Result<Notice, Error> {
    /// So many are shown.
    const AT_MOST: u32 = 100;
    let (store, user) = (&call.world.store, call.user.as_str());
    let items = store.first_failed(user, AT_MOST).await?;
    let number = usize::try_from(store.count_items(user).await?.failed).unwrap_or(0);
    let mut failures = Vec::new();
    for item in &items {
        let portal = portal(call, item).await?;
        failures.push(Failure {
            room: address(portal.as_ref()),
            words: first_words(item),
            why: item.why.clone().unwrap_or_else(|| "unknown".to_owned()),
        });
    }
    Ok(words::failed::list(&failures, number.max(items.len())))
}

pub(super) async fn retry(call: &Call<'_>) -> Result<Notice, Error> {
    let items = chosen(call).await?;
    if items.is_empty() {
        return Ok(words::failed::nothing());
    }
    let (number, mut tried, mut gone) = (items.len(), Vec::new(), BTreeSet::new());
    for item in items {
        let portal = portal(call, &item).await?;
        if is_open(portal.as_ref()) {
            let payload = now_written(call, &item)?;
            tried.push((item, payload));
        } else {
            gone.insert(address(portal.as_ref()));
        }
    }
    let gone: Vec<_> = gone.into_iter().collect();
    let left = failed(call).await?.saturating_sub(tried.len());
    let answer = words::failed::retrying(tried.len(), number - tried.len(), &gone, left);
    let store = &call.world.store;
    store.retry_items(&tried, call.item, &note(&answer)).await?;
    for (item, _) in &tried {
        lanes::nudge(call.world, &item.lane);
    }
    Ok(answer)
}

pub(super) async fn discard(call: &Call<'_>) -> Result<Notice, Error> {
    let items = chosen(call).await?;
    let [first, ..] = &*items else {
        return Ok(words::failed::nothing());
    };
    let about = portal(call, first).await?;
    let first = format!("{}: {}", address(about.as_ref()), first_words(first));
    let left = failed(call).await?.saturating_sub(items.len());
    let answer = words::failed::discarded(items.len(), &first, left);
    let ids: Vec<_> = items.iter().map(|item| item.id).collect();
    let store = &call.world.store;
    store.discard_items(&ids, call.item, &note(&answer)).await?;
    Ok(answer)
}

/// How many are on the list.
async fn failed(call: &Call<'_>) -> Result<usize, Error> {
    let counts = call.world.store.count_items(call.user.as_str()).await?;
    Ok(usize::try_from(counts.failed).unwrap_or(0))
}

/// The items that the numbers, or `all`, mean, in the order of the list.
async fn chosen(call: &Call<'_>) -> Result<Vec<Item>, Error> {
    let items = call.world.store.failed_items(call.user.as_str()).await?;
    if items.is_empty() || call.args.eq_ignore_ascii_case("all") {
        return Ok(items);
    }
    let Some(numbers) = numbers(call.args, items.len()) else {
        return Err(Error::Refused(words::failed::no_such(
            call.args,
            items.len(),
        )));
    };
    let numbered = items.into_iter().zip(1..);
    let chosen = numbered.filter(|(_, number)| numbers.contains(number));
    Ok(chosen.map(|(item, _)| item).collect())
}

/// Reads numbers from 1 to `last`, such as `2`, `2.`, `1 3`, `1, 3` and `2-5`; `None` if anything is not one.
fn numbers(typed: &str, last: usize) -> Option<BTreeSet<usize>> {
    let number = |text: &str| {
        let number = text.trim_end_matches('.').parse().ok();
        number.filter(|number| (1..=last).contains(number))
    };
    let mut numbers = BTreeSet::new();
    let words = typed.split(|c: char| c == ',' || c.is_whitespace());
    for word in words.filter(|word| !word.is_empty()) {
        match word.split_once(['-', '–']) {
            Some((from, to)) => {
                let (from, to) = (number(from)?, number(to)?);
                if from > to {
                    return None;
                }
                numbers.extend(from..=to);
            }
            None => {
                numbers.insert(number(word)?);
            }
        }
    }
    (!numbers.is_empty()).then_some(numbers)
}

/// Whoever asks for it now wants it said now, however long ago he wrote it.
fn now_written(call: &Call<'_>, item: &Item) -> Result<String, Error> {
    let event = match item.lane {
        Lane::ToRemote(_) => serde_json::from_str::<MatrixEvent>(&item.payload).ok(),
        Lane::ToMatrix(_) | Lane::Control(_) => None,
    };
    // What cannot be read fails again.
    let Some(mut event) = event else {
        return Ok(item.payload.clone());
    };
    event.written_at = Some(call.world.now());
    event.again = true;
    serde_json::to_string(&event).map_err(|error| Error::Unreadable(error.to_string()))
}

async fn portal(call: &Call<'_>, item: &Item) -> Result<Option<Portal>, Error> {
    Ok(match &item.lane {
        Lane::ToRemote(portal) | Lane::ToMatrix(portal) => call.world.store.portal(*portal).await?,
        Lane::Control(_) => None,
    })
}

/// Whether something can still be carried through it.
fn is_open(portal: Option<&Portal>) -> bool {
    portal.is_some_and(|portal| portal.login_id.is_some() && portal.state != PortalState::Gone)
}

fn address(portal: Option<&Portal>) -> String {
    portal.map_or_else(
        || "a room that is gone".to_owned(),
        |portal| portal.shown.address.clone(),
    )
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
    use super::{numbers, shorten};

    #[test]
    fn numbers_may_be_several() {
        let read = |typed| numbers(typed, 5).map(|it| it.into_iter().collect::<Vec<_>>());
        assert_eq!(read("2"), Some(vec![2]));
        assert_eq!(read("2."), Some(vec![2]));
        assert_eq!(read(" 4, 1 1"), Some(vec![1, 4]));
        assert_eq!(read("2-4,5"), Some(vec![2, 3, 4, 5]));
        for wrong in [
            "",
            ",",
            "0",
            "6",
            "-1",
            "1-",
            "4-2",
            "1 x",
            "3-9",
            "1.5",
            "99999999999999999999",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

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
