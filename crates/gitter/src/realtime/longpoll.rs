//! Frames over long-polling: for servers, or ways to them, that take no WebSocket.
//!
//! A connect is held by the server in a request of its own; everything else goes beside it, one request after the other.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, header};
use url::Url;

use super::Loss;
use super::driver::Input;
use super::session::Frame;
use crate::NetworkFault;
use crate::http::{Answer, Failure, exchange};

const REQUEST: Duration = Duration::from_secs(30);

type Pending = Pin<Box<dyn Future<Output = Result<Answer, Failure>> + Send>>;

pub(super) struct LongPoll {
    http: reqwest::Client,
    url: Url,
    /// The connect that the server holds.
    held: Option<Pending>,
    /// Another request under way.
    other: Option<Pending>,
    /// Those that wait for it.
    queue: VecDeque<Pending>,
}

impl LongPoll {
    pub(super) fn new(http: reqwest::Client, url: Url) -> Self {
        Self {
            http,
            url,
            held: None,
            other: None,
            queue: VecDeque::new(),
        }
    }

    pub(super) fn send(&mut self, frame: Frame) {
        let request = self
            .http
            .request(Method::POST, self.url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .body(frame.body);
        let pending = Box::pin(exchange(request, frame.held.unwrap_or(REQUEST)));
        if frame.held.is_some() {
            self.held = Some(pending);
        } else {
            self.queue.push_back(pending);
        }
    }

    /// The next thing that comes. Dropped while it waits, it loses nothing.
    pub(super) async fn next(&mut self) -> Input {
        if self.other.is_none() {
            self.other = self.queue.pop_front();
        }
        tokio::select! {
            answer = wait(&mut self.other) => {
                self.other = None;
                read(answer).unwrap_or_else(Input::Lost)
            }
            answer = wait(&mut self.held) => {
                self.held = None;
                match answer {
                    // The server resets a connect that it held to the end.
                    Err(Failure::Network(NetworkFault::Lost)) => Input::PollEnded,
                    answer => read(answer).unwrap_or_else(Input::Lost),
                }
            }
        }
    }
}

async fn wait(pending: &mut Option<Pending>) -> Result<Answer, Failure> {
    match pending {
        Some(pending) => pending.await,
        None => std::future::pending().await,
    }
}

fn read(answer: Result<Answer, Failure>) -> Result<Input, Loss> {
    let answer = answer.map_err(|failure| match failure {
        Failure::Network(NetworkFault::Connect | NetworkFault::Certificate) => Loss::Unreachable,
        Failure::Network(NetworkFault::TimedOut) => Loss::Silent,
        Failure::Network(NetworkFault::Lost) => Loss::Broken,
        Failure::Nonsense(_) => Loss::Garbled,
    })?;
    if !answer.status.is_success() {
        return Err(Loss::Refused(answer.status.as_u16()));
    }
    Ok(Input::Frame(Bytes::clone(&answer.body)))
}
