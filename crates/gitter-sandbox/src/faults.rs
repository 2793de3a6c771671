//! What goes wrong on purpose.
//!
//! A [`Fault`] names requests and what becomes of them. Faults of sockets and pushes are methods of
//! [`Faults`](crate::Faults). To add a kind of fault, add an [`Effect`] and carry it out in `server/respond.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// This status with Gitter's JSON error body; nothing is carried out.
    Status(u16),
    /// This status with a page of HTML, as a proxy in front of Gitter answers; nothing is carried out.
    Html(u16),
    /// It is carried out, and half of the answer's body arrives, well-formed as HTTP.
    Truncate,
    /// It is carried out after this time.
    Delay(Duration),
    /// It is carried out at once, and answered after this time.
    DelayAnswer(Duration),
    /// The connection is dropped; nothing is carried out.
    DropBefore,
    /// It is carried out, and the connection is dropped: the answer is lost.
    DropAfter,
    /// Nothing is carried out and no answer comes.
    Hang,
}

/// Requests and what becomes of them.
#[derive(Clone, Debug)]
pub struct Fault {
    method: Option<String>,
    pattern: Vec<String>,
    skip: u32,
    times: Option<u32>,
    effect: Effect,
    fired: Fired,
}

/// Tells how often a fault happened.
#[derive(Clone, Debug, Default)]
pub struct Fired(Arc<AtomicU32>);

impl Fired {
    /// How often, until now.
    pub fn count(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Fault {
    /// A fault of the next request that fits. `requests` is a path, or a verb and a path: `POST /v1/rooms/*/chatMessages`.
    /// `*` stands for one part of a path, `**` at the end for any number; a leading `/api` of the request is left out.
    pub fn new(requests: &str, effect: Effect) -> Self {
        let (method, path) = match requests.split_once(' ') {
            Some((method, path)) => (Some(method.to_uppercase()), path),
            None => (None, requests),
        };
        let pattern = path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect();
        Self {
            method,
            pattern,
            skip: 0,
            times: Some(1),
            effect,
            fired: Fired::default(),
        }
    }

    /// Lets that many fitting requests pass first.
    #[must_use]
    pub fn skip(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }

    /// Happens that many times.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Happens until the faults are cleared.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.times = None;
        self
    }

    fn fits(&self, method: &str, path: &str) -> bool {
        if self
            .method
            .as_deref()
            .is_some_and(|wanted| wanted != method)
        {
            return false;
        }
        let mut parts = path.split('/').filter(|part| !part.is_empty()).peekable();
        if parts.peek() == Some(&"api") {
            parts.next();
        }
        let mut pattern = self.pattern.iter().map(String::as_str);
        loop {
            match (pattern.next(), parts.next()) {
                (Some("**"), _) | (None, None) => return true,
                (Some("*"), Some(_)) => {}
                (Some(wanted), Some(part)) if wanted == part => {}
                _ => return false,
            }
        }
    }
}

/// The faults that are still to happen, in the order in which they were added.
#[derive(Debug, Default)]
pub(crate) struct FaultList(Vec<Fault>);

impl FaultList {
    pub(crate) fn add(&mut self, fault: Fault) -> Fired {
        let fired = fault.fired.clone();
        self.0.push(fault);
        fired
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// What is to become of this request, if anything is.
    pub(crate) fn strike(&mut self, method: &str, path: &str) -> Option<Effect> {
        let fault = self
            .0
            .iter_mut()
            .find(|fault| fault.times != Some(0) && fault.fits(method, path))?;
        if fault.skip > 0 {
            fault.skip -= 1;
            return None;
        }
        fault.times = fault.times.map(|times| times - 1);
        fault.fired.0.fetch_add(1, Ordering::SeqCst);
        Some(fault.effect.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_what_it_names_and_as_often_as_it_says() {
        let mut faults = FaultList::default();
        let fired = faults.add(
            Fault::new("POST /v1/rooms/*/chatMessages", Effect::Status(502))
                .skip(1)
                .times(2),
        );
        let strikes: Vec<bool> = (0..5)
            .map(|_| {
                faults
                    .strike("POST", "/api/v1/rooms/abc/chatMessages")
                    .is_some()
            })
            .collect();
        assert_eq!(strikes, [false, true, true, false, false]);
        assert_eq!(fired.count(), 2);
    }

    #[test]
    fn patterns_fit_whole_paths() {
        let fits = |pattern: &str, path: &str| Fault::new(pattern, Effect::Hang).fits("GET", path);
        assert!(fits("/v1/**", "/api/v1/user/me"));
        assert!(fits("GET /v1/user/*", "/v1/user/me"));
        assert!(!fits("/v1/user", "/v1/user/me"));
        assert!(!fits("PUT /v1/user/me", "/v1/user/me"));
    }
}
