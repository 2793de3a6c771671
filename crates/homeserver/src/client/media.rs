//! Files, streamed both ways.

use std::time::Duration;

use futures_util::TryStreamExt as _;
use http::{Method, StatusCode, header};
use reqwest::{Body, Response};
use ruma::{MxcUri, OwnedMxcUri};
use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::answer::{self, Fault};
use super::json::lacks;
use super::{Client, RequestKind};
use crate::{ByteRange, ContentRange, Download, Error, Upload};

/// How long storing a file may take that comes piece by piece.
const PATIENCE: Duration = Duration::from_mins(10);

/// How many redirects are followed: a homeserver may keep its files elsewhere (Matrix spec, "Content repository").
const HOPS: usize = 3;

/// Where files are fetched: with authentication (Matrix spec v1.11), and where older homeservers have them.
const DOWNLOAD: [[&str; 5]; 2] = [
    ["_matrix", "client", "v1", "media", "download"],
    ["_matrix", "media", "v3", "download", ""],
];

impl Client {
    /// Stores a file that comes piece by piece.
    pub(super) async fn send_file(&self, upload: Upload<'_>) -> Result<OwnedMxcUri, Error> {
        let query = upload
            .name
            .map(|name| ("filename", name.to_owned()))
            .into_iter()
            .collect::<Vec<_>>();
        let path = ["_matrix", "media", "v3", "upload"];
        let url = self.url(Some(&self.settings.bot), &path, &query)?;
        self.counters.count(RequestKind::Upload, false);
        let sent = self
            .http
            .post(url)
            .timeout(PATIENCE)
            .bearer_auth(self.settings.as_token.expose_secret())
            .header(header::CONTENT_TYPE, upload.mime)
            .header(header::CONTENT_LENGTH, upload.length)
            .body(Body::wrap_stream(upload.body))
            .send()
            .await;
        let stored = match sent {
            Ok(response) => answer::read(response).await,
            Err(error) => Err(answer::unreachable(&error)),
        };
        let stored = stored.map_err(|fault| fault.error).and_then(|it| uri(&it));
        self.counted(stored)
    }

    /// Begins to fetch a file.
    pub(super) async fn fetch_file(
        &self,
        file: &MxcUri,
        range: Option<ByteRange>,
    ) -> Result<Download, Error> {
        let begun = self.begin(file, range).await;
        self.counted(begun)
    }

    async fn begin(&self, file: &MxcUri, range: Option<ByteRange>) -> Result<Download, Error> {
        let Ok((server, media)) = file.parts() else {
            return Err(Error::Refused {
                status: 404,
                errcode: "M_NOT_FOUND".to_owned(),
                message: "no address of a file".to_owned(),
            });
        };
        let mut result = Err(lacks("the file"));
        for place in DOWNLOAD {
            let mut path: Vec<_> = place.into_iter().filter(|it| !it.is_empty()).collect();
            path.extend([server.as_str(), media]);
            // Whoever asks waits, but not as long as he would for an answer that we read whole.
            let answer = tokio::time::timeout(self.patience.answer, self.ask(&path, range));
            result = answer.await.unwrap_or_else(|_| {
                Err(Error::Unreachable {
                    reason: "no answer in time".to_owned(),
                    sent: true,
                })
            });
            // "M_UNRECOGNIZED" is the spec's word for an endpoint that is not there.
            let unknown =
                matches!(&result, Err(error) if error.errcode() == Some("M_UNRECOGNIZED"));
            if !unknown {
                break;
            }
        }
        result
    }

    async fn ask(&self, path: &[&str], range: Option<ByteRange>) -> Result<Download, Error> {
        let mut url = self.url(Some(&self.settings.bot), path, &[])?;
        let home = url.origin();
        for _ in 0..=HOPS {
            self.counters.count(RequestKind::Download, false);
            let mut request = self.http.request(Method::GET, url.clone());
            if url.origin() == home {
                request = request.bearer_auth(self.settings.as_token.expose_secret());
            }
            if let Some(ByteRange { first, last }) = range {
                let last = last.map(|last| last.to_string()).unwrap_or_default();
                request = request.header(header::RANGE, format!("bytes={first}-{last}"));
            }
            let response = request
                .send()
                .await
                .map_err(|error| answer::unreachable(&error).error)?;
            let status = response.status();
            let target = text(&response, header::LOCATION).and_then(|it| url.join(it).ok());
            match target {
                Some(target) if status.is_redirection() => url = target,
                _ if status.is_success() => return Ok(read(response)),
                _ => return Err(refusal(response).await),
            }
        }
        Err(Error::Garbled("redirects in circles".to_owned()))
    }

    fn counted<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if result.is_err() {
            self.counters.count_failure();
        }
        result
    }
}

fn read(response: Response) -> Download {
    let range = text(&response, header::CONTENT_RANGE)
        .filter(|_| response.status() == StatusCode::PARTIAL_CONTENT)
        .and_then(ContentRange::parse);
    Download {
        mime: text(&response, header::CONTENT_TYPE).map(ToOwned::to_owned),
        length: response.content_length(),
        range,
        body: Box::pin(
            response
                .bytes_stream()
                .map_err(|error| answer::unreachable(&error).error),
        ),
    }
}

async fn refusal(response: Response) -> Error {
    match answer::read(response).await {
        Err(Fault { error, .. }) => error,
        Ok(_) => Error::Garbled("a redirect to nowhere".to_owned()),
    }
}

fn text(response: &Response, name: header::HeaderName) -> Option<&str> {
    response.headers().get(name)?.to_str().ok()
}

/// The address of a file that was stored.
pub(super) fn uri(answer: &Value) -> Result<OwnedMxcUri, Error> {
    let uri = answer
        .get("content_uri")
        .and_then(Value::as_str)
        .map(OwnedMxcUri::from)
        .filter(|uri| uri.is_valid());
    uri.ok_or_else(|| lacks("content_uri"))
}
