//! A browser without JavaScript, in a few lines: cookies, redirects, links and plain forms.
//!
//! Quick enough for every test to log in with. That pages also work in a real browser is for [`crate::browser`].

use std::collections::BTreeMap;

use anyhow::Context as _;
use reqwest::Method;
use reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use scraper::{ElementRef, Html, Selector};
use tokio::sync::Mutex;
use url::Url;

use crate::http;

/// One person's browser.
#[derive(Debug)]
pub struct Visitor {
    http: reqwest::Client,
    /// By host and name; as in browsers, the port makes no difference.
    cookies: Mutex<BTreeMap<(String, String), String>>,
}

/// A page as it was loaded.
#[derive(Debug, Clone)]
pub struct Page {
    /// Where redirects led.
    pub url: Url,
    /// HTTP status.
    pub status: u16,
    /// Headers of the last answer.
    pub headers: HeaderMap,
    /// The source.
    pub html: String,
    /// What can be sent from here.
    pub forms: Vec<Form>,
    /// Where links lead, and what stands on them.
    pub links: Vec<(Url, String)>,
    /// What a person reads, spaces folded.
    pub text: String,
}

/// A form and one of its buttons; a form with two buttons stands here twice.
#[derive(Debug, Clone)]
pub struct Form {
    /// Where it goes.
    pub action: Url,
    /// `GET` or `POST`.
    pub method: Method,
    /// What stands on the button.
    pub button: String,
    /// Names and values, the button's own included.
    pub fields: Vec<(String, String)>,
}

impl Visitor {
    /// A browser with no cookies.
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self {
            http: http::client()?,
            cookies: Mutex::default(),
        })
    }

    /// Opens an address.
    pub async fn open(&self, url: &str) -> anyhow::Result<Page> {
        let url = Url::parse(url).with_context(|| format!("not an address: {url:?}"))?;
        self.load(Method::GET, url, &[]).await
    }

    /// Presses the button on which `button` stands (part of it, any case).
    pub async fn press(&self, page: &Page, button: &str) -> anyhow::Result<Page> {
        self.send(page.form(button)?).await
    }

    /// Presses the only button there is.
    pub async fn press_only_button(&self, page: &Page) -> anyhow::Result<Page> {
        let [form] = page.forms.as_slice() else {
            anyhow::bail!("not one button but {} on {page}", page.forms.len());
        };
        self.send(form).await
    }

    /// Sends a form by its button.
    pub async fn send(&self, form: &Form) -> anyhow::Result<Page> {
        self.load(form.method.clone(), form.action.clone(), &form.fields)
            .await
    }

    /// Follows the link on which `text` stands (part of it, any case).
    pub async fn follow(&self, page: &Page, text: &str) -> anyhow::Result<Page> {
        let wanted = text.to_lowercase();
        let found = page
            .links
            .iter()
            .find(|(_, text)| text.to_lowercase().contains(&wanted));
        let (url, _) = found.with_context(|| format!("no link {text:?} on {page}"))?;
        self.load(Method::GET, url.clone(), &[]).await
    }

    async fn load(
        &self,
        mut method: Method,
        mut url: Url,
        mut fields: &[(String, String)],
    ) -> anyhow::Result<Page> {
        for _ in 0..10 {
            let mut request = self.http.request(method.clone(), url.clone());
            if method == Method::POST {
                // What browsers send along, and servers check against forgery.
                request = request
                    .header("origin", url.origin().ascii_serialization())
                    .form(fields);
            } else if !fields.is_empty() {
                request = request.query(fields);
            }
            let cookies = self.cookies_for(&url).await;
            if !cookies.is_empty() {
                request = request.header(COOKIE, cookies);
            }
            let answer = request
                .send()
                .await
                .with_context(|| format!("cannot open {url}"))?;
            self.keep_cookies(&url, answer.headers()).await;
            let to = answer
                .headers()
                .get(LOCATION)
                .and_then(|to| to.to_str().ok());
            if answer.status().is_redirection()
                && let Some(to) = to
            {
                url = url
                    .join(to)
                    .with_context(|| format!("a redirect to {to:?}"))?;
                (method, fields) = (Method::GET, &[]);
                continue;
            }
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            return Ok(Page::read(url, status, headers, answer.text().await?));
        }
        anyhow::bail!("more than 10 redirects, the last to {url}")
    }

    async fn cookies_for(&self, url: &Url) -> String {
        let host = url.host_str().unwrap_or_default();
        let cookies = self.cookies.lock().await;
        let ours = cookies.iter().filter(|((at, _), _)| at == host);
        ours.map(|((_, name), value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join("; ")
    }

    async fn keep_cookies(&self, url: &Url, headers: &HeaderMap) {
        let host = url.host_str().unwrap_or_default();
        let mut cookies = self.cookies.lock().await;
        for header in headers
            .get_all(SET_COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
        {
            let mut parts = header.split(';').map(str::trim);
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
                continue;
            };
            let key = (host.to_owned(), name.to_owned());
            if value.is_empty() || parts.any(|part| part.eq_ignore_ascii_case("max-age=0")) {
                cookies.remove(&key);
            } else {
                cookies.insert(key, value.to_owned());
            }
        }
    }
}

impl std::fmt::Display for Page {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text: String = self.text.chars().take(500).collect();
        write!(formatter, "the page {} ({}): {text}", self.url, self.status)
    }
}

impl Page {
    /// The form with this button (part of what stands on it, any case).
    pub fn form(&self, button: &str) -> anyhow::Result<&Form> {
        let wanted = button.to_lowercase();
        let found = self
            .forms
            .iter()
            .find(|form| form.button.to_lowercase().contains(&wanted));
        found.with_context(|| format!("no button {button:?} on {self}"))
    }

    /// A header of the answer, or empty.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    fn read(url: Url, status: u16, headers: HeaderMap, html: String) -> Self {
        let document = Html::parse_document(&html);
        let forms = select(&document.root_element(), "form")
            .into_iter()
            .flat_map(|form| Form::read(&url, &form))
            .collect();
        let links = select(&document.root_element(), "a[href]")
            .into_iter()
            .filter_map(|link| Some((url.join(link.attr("href")?).ok()?, words(&link))))
            .collect();
        let text = select(&document.root_element(), "body")
            .iter()
            .map(words)
            .collect();
        Self {
            url,
            status,
            headers,
            html,
            forms,
            links,
            text,
        }
    }
}

impl Form {
    fn read(page: &Url, form: &ElementRef<'_>) -> Vec<Self> {
        let action = form.attr("action").unwrap_or_default();
        let Ok(action) = page.join(action) else {
            return Vec::new();
        };
        let post = form
            .attr("method")
            .is_some_and(|method| method.eq_ignore_ascii_case("post"));
        let method = if post { Method::POST } else { Method::GET };
        let field = |element: &ElementRef<'_>| {
            let value = element.attr("value").unwrap_or_default();
            Some((element.attr("name")?.to_owned(), value.to_owned()))
        };
        let inputs: Vec<_> = select(form, "input:not([type=submit])")
            .iter()
            .filter_map(field)
            .collect();
        select(form, "button, input[type=submit]")
            .iter()
            .map(|button| {
                let label = words(button);
                let label = if label.is_empty() {
                    button.attr("value").unwrap_or_default()
                } else {
                    &label
                };
                let fields = inputs.iter().cloned().chain(field(button)).collect();
                Self {
                    action: action.clone(),
                    method: method.clone(),
                    button: label.to_owned(),
                    fields,
                }
            })
            .collect()
    }
}

fn select<'a>(inside: &ElementRef<'a>, selector: &str) -> Vec<ElementRef<'a>> {
    // The selectors are our own and constant; a wrong one finds nothing, which a test notices.
    Selector::parse(selector).map_or_else(
        |_| Vec::new(),
        |selector| inside.select(&selector).collect(),
    )
}

fn words(element: &ElementRef<'_>) -> String {
    let text: String = element.text().collect::<Vec<_>>().join(" ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
