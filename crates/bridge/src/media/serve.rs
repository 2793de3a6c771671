//! A file on Matrix, streamed to whoever has its link.

use std::{io, pin::Pin, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use homeserver::{ByteRange, ByteStream, ContentRange, Download};
use ruma::OwnedMxcUri;
use tokio::sync::{mpsc, oneshot};

use super::{link::is_old, places::Place};
use crate::Ctx;

/// How long one piece may take, to come or to be taken. Who takes nothing for so long has gone, and others want his place.
const PIECE: Duration = Duration::from_mins(1);

/// How many pieces wait to be taken.
const AHEAD: usize = 2;

/// Which part of a file a browser wants, counted in bytes from 0 (RFC 9110, section 14.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaRange {
    /// From the first to the last byte, or to the end.
    From(u64, Option<u64>),
    /// So many bytes at the end.
    Last(u64),
}

/// What a browser wants of a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MediaRequest {
    /// Only this part.
    pub range: Option<MediaRange>,
    /// Nothing, if the link still holds: the browser has the file.
    pub has_it: bool,
}

/// A file that begins to come.
pub struct MediaFile {
    /// What it is called: as its sender said, so not to be trusted.
    pub name: String,
    /// The MIME type its sender's client gave, so not to be trusted either.
    pub mime: Option<String>,
    /// How many bytes come, if that is known.
    pub length: Option<u64>,
    /// Which part comes; `None` for the whole file.
    pub range: Option<ContentRange>,
    /// The bytes.
    pub body: Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>,
}

/// Why there is no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaProblem {
    /// There is no such link.
    Unknown,
    /// It was taken back on Matrix.
    Revoked,
    /// The link is older than the admin lets links become.
    Expired,
    /// The homeserver has it no more.
    Gone,
    /// The wanted part is not in it; so many bytes it has.
    NoSuchPart(u64),
    /// Too many files are being served just now.
    Busy,
    /// The homeserver does not answer, or not with the file.
    Homeserver,
    /// The database does not answer.
    OutOfOrder,
}

/// Opens the link with this secret. `Ok(None)`: it holds, and the browser has the file already.
pub async fn open(
    world: &Ctx,
    secret: &str,
    request: MediaRequest,
) -> Result<Option<MediaFile>, MediaProblem> {
    let link = match world.store.link(secret).await {
        Ok(link) => link.ok_or(MediaProblem::Unknown)?,
        Err(error) => {
            tracing::warn!(%error, "a link to a file cannot be looked up");
            return Err(MediaProblem::OutOfOrder);
        }
    };
    let old = is_old(world, &link);
    let mxc = link.mxc.ok_or(MediaProblem::Revoked)?;
    if old {
        return Err(MediaProblem::Expired);
    }
    if request.has_it {
        return Ok(None);
    }
    let place = world.media.places.take().await.ok_or(MediaProblem::Busy)?;
    let download = begin(world, &OwnedMxcUri::from(mxc), request.range).await?;
    let (length, range, body) = part(download, request.range)?;
    Ok(Some(MediaFile {
        name: link.name,
        mime: body.mime,
        length,
        range,
        body: pump(world, body.stream, place),
    }))
}

async fn begin(
    world: &Ctx,
    mxc: &OwnedMxcUri,
    range: Option<MediaRange>,
) -> Result<Download, MediaProblem> {
    let wanted = match range {
        Some(MediaRange::From(first, last)) => Some(ByteRange { first, last }),
        // Where the end is we only know when the whole file comes.
        Some(MediaRange::Last(_)) | None => None,
    };
    let refused = |error: &homeserver::Error, status: u16| matches!(error, homeserver::Error::Refused { status: it, .. } if *it == status);
    let mut download = world.homeserver.download(mxc, wanted).await;
    if wanted.is_some() && matches!(&download, Err(error) if refused(error, 416)) {
        // How long it is, we have to say ourselves.
        download = world.homeserver.download(mxc, None).await;
    }
    download.map_err(|error| {
        tracing::debug!(%error, "the homeserver does not give a file");
        if error.is_not_found() || refused(&error, 410) {
            MediaProblem::Gone
        } else {
            MediaProblem::Homeserver
        }
    })
}

struct Body {
    mime: Option<String>,
    stream: ByteStream,
}

/// The part that is wanted of what comes. Who wants a part of a file whose length nobody knows gets all of it, as who asks a server
/// that knows no parts.
fn part(
    download: Download,
    wanted: Option<MediaRange>,
) -> Result<(Option<u64>, Option<ContentRange>, Body), MediaProblem> {
    let whole = Body {
        mime: download.mime,
        stream: download.body,
    };
    let (Some(wanted), Some(total)) = (
        wanted,
        download.range.map(|it| it.total).or(download.length),
    ) else {
        return Ok((download.length, download.range, whole));
    };
    let last = total.saturating_sub(1);
    let (first, last) = match wanted {
        MediaRange::From(first, end) => (first, end.map_or(last, |end| end.min(last))),
        MediaRange::Last(bytes) => (total.saturating_sub(bytes), last),
    };
    if first >= total || first > last || wanted == MediaRange::Last(0) {
        return Err(MediaProblem::NoSuchPart(total));
    }
    let range = ContentRange { first, last, total };
    let length = last - first + 1;
    // What the homeserver left out already need not be skipped.
    let before = download.range.map_or(0, |it| it.first);
    let Some(skip) = first.checked_sub(before) else {
        return Err(MediaProblem::Homeserver);
    };
    let body = Body {
        mime: whole.mime,
        stream: cut(whole.stream, skip, length),
    };
    Ok((Some(length), Some(range), body))
}

/// So many bytes, after skipping some.
fn cut(stream: ByteStream, skip: u64, take: u64) -> ByteStream {
    let pieces = stream::unfold(
        (stream, skip, take),
        |(mut stream, mut skip, mut take)| async move {
            loop {
                if take == 0 {
                    return None;
                }
                let mut piece = match stream.next().await? {
                    Ok(piece) => piece,
                    Err(error) => return Some((Err(error), (stream, skip, 0))),
                };
                let length = piece.len() as u64;
                if length <= skip {
                    skip -= length;
                    continue;
                }
                // Both are less than the length of a piece, so they fit.
                drop(piece.split_to(usize::try_from(skip).unwrap_or(usize::MAX)));
                skip = 0;
                piece.truncate(usize::try_from(take).unwrap_or(usize::MAX));
                take -= piece.len() as u64;
                return Some((Ok(piece), (stream, skip, take)));
            }
        },
    );
    Box::pin(pieces)
}

/// Carries the pieces to the browser, as long as it takes them.
fn pump(
    world: &Ctx,
    from: ByteStream,
    place: Place,
) -> Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>> {
    let (to, pieces) = mpsc::channel::<Bytes>(AHEAD);
    let (ended, end) = oneshot::channel::<io::Result<()>>();
    world.spawn_until_stop(async move {
        let result = tokio::select! {
            biased;
            result = carry(from, to, &place) => result,
            () = place.lost() => Err(io::ErrorKind::TimedOut.into()),
        };
        // The next one need not wait until this browser hears of it.
        drop(place);
        // Whoever would have to hear of it may have gone.
        let _ = ended.send(result);
    });
    // The browser has to see it when the end is missing, so that the last word is how it ended.
    let pieces = stream::unfold((pieces, Some(end)), |(mut pieces, end)| async move {
        if let Some(piece) = pieces.recv().await {
            return Some((Ok(piece), (pieces, end)));
        }
        match end?.await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some((Err(error), (pieces, None))),
            // The bridge ends.
            Err(_) => Some((Err(io::ErrorKind::ConnectionAborted.into()), (pieces, None))),
        }
    });
    Box::pin(pieces)
}

async fn carry(mut from: ByteStream, to: mpsc::Sender<Bytes>, place: &Place) -> io::Result<()> {
    loop {
        let next = tokio::select! {
            biased;
            () = to.closed() => return Ok(()),
            next = tokio::time::timeout(PIECE, from.next()) => next,
        };
        let Some(piece) = next.map_err(|_| io::ErrorKind::TimedOut)? else {
            return Ok(());
        };
        let piece = piece.map_err(io::Error::other)?;
        let length = piece.len();
        match tokio::time::timeout(PIECE, to.send(piece)).await {
            Ok(Ok(())) => place.took(length),
            Ok(Err(_)) => return Ok(()),
            Err(_) => return Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt as _;

    use super::*;

    fn download(range: Option<ContentRange>, bytes: &'static str) -> Download {
        let pieces = bytes.as_bytes().chunks(3).map(|it| Ok(Bytes::from(it)));
        Download {
            mime: None,
            length: Some(bytes.len() as u64),
            range,
            body: Box::pin(stream::iter(pieces)),
        }
    }

    async fn read(
        download: Download,
        wanted: Option<MediaRange>,
    ) -> Result<(Option<u64>, Option<(u64, u64)>, String), MediaProblem> {
        let (length, range, body) = part(download, wanted)?;
        let bytes: Vec<_> = body.stream.try_collect().await.unwrap();
        let text = String::from_utf8(bytes.concat()).unwrap();
        Ok((length, range.map(|it| (it.first, it.last)), text))
    }

    #[tokio::test]
    async fn any_part_of_a_file_can_be_had() {
        let whole = "0123456789";
        for first in 0..10_u64 {
            for last in first..12 {
                let wanted = Some(MediaRange::From(first, Some(last)));
                let (length, range, text) = read(download(None, whole), wanted).await.unwrap();
                let end = last.min(9);
                let expected =
                    &whole[usize::try_from(first).unwrap()..=usize::try_from(end).unwrap()];
                assert_eq!(text, expected);
                assert_eq!(
                    (length, range),
                    (Some(text.len() as u64), Some((first, end)))
                );
            }
        }
        for (wanted, expected) in [
            (MediaRange::From(7, None), "789"),
            (MediaRange::Last(4), "6789"),
            (MediaRange::Last(40), whole),
        ] {
            let (_, _, text) = read(download(None, whole), Some(wanted)).await.unwrap();
            assert_eq!(text, expected, "{wanted:?}");
        }
        assert_eq!(read(download(None, whole), None).await.unwrap().2, whole);
    }

    #[tokio::test]
    async fn what_the_homeserver_left_out_is_not_skipped_again() {
        let came = ContentRange {
            first: 4,
            last: 9,
            total: 10,
        };
        let wanted = Some(MediaRange::From(5, Some(7)));
        let got = read(download(Some(came), "456789"), wanted).await.unwrap();
        assert_eq!(got, (Some(3), Some((5, 7)), "567".to_owned()));
        let before = Some(MediaRange::From(2, Some(7)));
        let problem = read(download(Some(came), "456789"), before).await;
        assert_eq!(problem, Err(MediaProblem::Homeserver));
    }

    #[tokio::test]
    async fn a_part_that_is_not_there_is_none() {
        for (bytes, wanted) in [
            ("0123", MediaRange::From(4, None)),
            ("0123", MediaRange::From(3, Some(1))),
            ("0123", MediaRange::From(u64::MAX, Some(u64::MAX))),
            ("0123", MediaRange::Last(0)),
            ("", MediaRange::From(0, None)),
            ("", MediaRange::Last(1)),
        ] {
            let problem = read(download(None, bytes), Some(wanted)).await;
            let total = bytes.len() as u64;
            assert_eq!(problem, Err(MediaProblem::NoSuchPart(total)), "{wanted:?}");
        }
    }
}
