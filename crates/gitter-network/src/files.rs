//! Files that people upload to Gitter.
//!
//! Gitter has no attachments: an upload is a message with a link, `[name](url)` or `[![name](thumbnail)](url)`, to the host where uploads
//! are. How deep the path is has changed over the years, so the host is what tells (Gitter 21.15, `server/api/private/transloadit.js`).

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use remote::text::{Element, Node, Tag, text_of};
use remote::{Attachment, Download, Pieces, RemoteError, RichText};
use reqwest::Response;
use tokio::time::Instant;
use url::{Host, Url};

use crate::Config;
use crate::fetch::{self, PATIENCE};
use crate::guard;

/// More files than that are not looked for in one message; the others stay links.
const MOST: usize = 10;

/// How long a file may take in all: what is said after it waits for it.
const IN_ALL: Duration = Duration::from_mins(3);

const WHAT: &str = "The file";

/// Where uploads are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Files(Url);

impl Files {
    /// As configured, or `files` below the web site's host, as gitter.im had it.
    pub(crate) fn of_config(config: &Config) -> Option<Self> {
        if let Some(url) = &config.files_url {
            return Some(Self(url.clone()));
        }
        let Some(Host::Domain(host)) = config.web_url.host() else {
            return None;
        };
        let mut url = config.web_url.clone();
        url.set_host(Some(&format!("files.{host}"))).ok()?;
        url.set_path("");
        Some(Self(url))
    }

    pub(crate) fn url(&self) -> &Url {
        &self.0
    }

    /// Whether this is the address of an upload.
    fn has(&self, url: &Url) -> bool {
        let base = self.0.path().trim_end_matches('/');
        let below = url
            .path()
            .strip_prefix(base)
            .and_then(|rest| rest.strip_prefix('/'));
        url.origin() == self.0.origin()
            && below.is_some_and(|rest| !rest.is_empty())
            && !fetch::has_credentials(url)
    }

    /// The uploads that a text links to.
    pub(crate) fn of(&self, text: &RichText) -> Vec<Attachment> {
        let mut found = Vec::new();
        self.look(&text.nodes, &mut found);
        found
    }

    fn look(&self, nodes: &[Node], found: &mut Vec<Attachment>) {
        for node in nodes {
            let Node::Element(Element { tag, children }) = node else {
                continue;
            };
            let href = match tag {
                Tag::Link { href, .. } => Some(href),
                Tag::Image { src, .. } => Some(src),
                _ => None,
            };
            let upload = href.filter(|href| Url::parse(href).is_ok_and(|url| self.has(&url)));
            match upload {
                Some(href) => {
                    if found.len() < MOST && found.iter().all(|it| it.url != *href) {
                        found.push(Attachment {
                            url: href.clone(),
                            name: name(href, &text_of(children)),
                        });
                    }
                }
                None => self.look(children, found),
            }
        }
    }
}

/// What the link calls it; a bare address is called by its end.
fn name(href: &str, label: &str) -> Option<String> {
    let label = label.trim();
    if !label.is_empty() && !label.contains("://") {
        return Some(label.to_owned());
    }
    let url = Url::parse(href).ok()?;
    let last = url.path_segments()?.next_back()?.replace('+', "%2B");
    let pair = format!("x={last}");
    let (_, name) = url::form_urlencoded::parse(pair.as_bytes()).next()?;
    Some(name.into_owned()).filter(|name| !name.is_empty())
}

/// Begins to fetch an upload.
pub(crate) async fn fetch(
    http: &reqwest::Client,
    files: Option<&Files>,
    url: &str,
) -> Result<Download, RemoteError> {
    let elsewhere = || fetch::elsewhere(WHAT);
    let files = files.ok_or_else(elsewhere)?;
    let url = Url::parse(url).map_err(|_| elsewhere())?;
    if !files.has(&url) {
        return Err(elsewhere());
    }
    // Where uploads really lie is the business of who runs Gitter, so redirects may lead to any public place.
    let public = |url: &Url| url.scheme() == "https" && url.port().is_none() && guard::may_ask(url);
    let ends = Instant::now() + IN_ALL;
    let allowed = |url: &Url| files.has(url) || public(url);
    let response = fetch::open(http, url, WHAT, "*/*", allowed).await?;
    Ok(Download {
        length: response.content_length(),
        pieces: Box::new(Coming { response, ends }),
    })
}

struct Coming {
    response: Response,
    ends: Instant,
}

#[async_trait]
impl Pieces for Coming {
    async fn next(&mut self) -> Result<Option<Bytes>, RemoteError> {
        let until = self.ends.min(Instant::now() + PATIENCE);
        loop {
            let piece = tokio::time::timeout_at(until, self.response.chunk())
                .await
                .map_err(|_| fetch::late(WHAT))?
                .map_err(|_| fetch::unreachable(WHAT))?;
            if piece.as_ref().is_none_or(|piece| !piece.is_empty()) {
                return Ok(piece);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use remote::text::html::parse_plainly;

    use super::*;

    fn files(url: &str) -> Files {
        Files(url.parse().unwrap())
    }

    fn found(html: &str) -> Vec<(String, Option<String>)> {
        let files = files("https://files.gitter.im");
        let found = files.of(&parse_plainly(html)).into_iter();
        found.map(|it| (it.url, it.name)).collect()
    }

    #[test]
    fn an_upload_is_known_by_its_host() {
        let plain = files("https://files.gitter.im");
        let below = files("http://localhost:5000/uploads/");
        for (files, url, is) in [
            (&plain, "https://files.gitter.im/room/abcd/a.png", true),
            (&plain, "https://FILES.gitter.im/a", true),
            (&plain, "https://files.gitter.im/", false),
            (&plain, "http://files.gitter.im/a", false),
            (&plain, "https://files.gitter.im:8443/a", false),
            (&plain, "https://files.gitter.im.evil.example/a", false),
            (&plain, "https://gitter.im/a", false),
            (&plain, "https://files.gitter.im@evil.example/a", false),
            (&plain, "https://user:secret@files.gitter.im/a", false),
            (&plain, "https://user@files.gitter.im/a", false),
            (&plain, "https://files.gitter.im\\@evil.example/a", true),
            (&plain, "https://files.gitter.im%2eevil.example/a", false),
            (&plain, "https://files.gitter.im./a", false),
            (&below, "http://localhost:5000/uploads/a", true),
            (&below, "http://localhost:5000/uploads", false),
            (&below, "http://localhost:5000/uploadsx/a", false),
            (&below, "http://localhost:5000/uploads/../secret", false),
            (&below, "http://localhost:5001/uploads/a", false),
        ] {
            assert_eq!(files.has(&url.parse().unwrap()), is, "{url}");
        }
    }

    #[test]
    fn links_to_uploads_are_found_with_their_names() {
        let one = "https://files.gitter.im/o/r/abcd/one.png";
        let two = "https://files.gitter.im/o/r/abcd/t%20wo.pdf";
        assert_eq!(
            found(&format!("<a href=\"{one}\">one</a>")),
            [(one.to_owned(), Some("one".to_owned()))]
        );
        assert_eq!(
            found(&format!(
                "see <b><a href=\"{two}\">{two}</a></b> and <a href=\"{one}\">x</a> <a href=\"{one}\">y</a> <a href=\"https://a.example\">z</a>"
            )),
            [
                (two.to_owned(), Some("t wo.pdf".to_owned())),
                (one.to_owned(), Some("x".to_owned()))
            ]
        );
        let link = |number| format!("<a href=\"https://files.gitter.im/{number}\">x</a>");
        let many: String = (0..50).map(link).collect();
        assert_eq!(found(&many).len(), MOST);
    }
}
