//! The budget against a model of Gitter's limiter, under paused time.

use std::sync::atomic::{AtomicU32, Ordering};

use http::{HeaderValue, StatusCode};

use super::*;

/// Gitter's limiter: 100 requests in a window of 60 s which starts with the first.
struct Limiter {
    window: Mutex<Option<(Instant, u32)>>,
    refused: AtomicU32,
    start: Instant,
    /// By how much Gitter's clock differs from ours, in seconds.
    skew: i64,
    date: bool,
}

/// When the tests begin, by our clock.
const EPOCH: i64 = 1_795_362_920_000;

impl Limiter {
    fn new() -> Self {
        Self {
            window: Mutex::new(None),
            refused: AtomicU32::new(0),
            start: Instant::now(),
            skew: 0,
            date: false,
        }
    }

    fn now(&self) -> Timestamp {
        let since = i64::try_from(self.start.elapsed().as_millis()).unwrap();
        Timestamp::from_millisecond(EPOCH + since).unwrap()
    }

    /// Answers one request.
    fn take(&self) -> (StatusCode, HeaderMap) {
        let now = Instant::now();
        let mut window = self.window.lock().unwrap();
        let (opened, count) = match *window {
            Some((opened, count)) if now < opened + window::LENGTH => (opened, count + 1),
            _ => (now, 1),
        };
        *window = Some((opened, count));
        let reset = self.now().as_millisecond()
            + self.skew * 1000
            + i64::try_from((opened + window::LENGTH - now).as_millis()).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("x-ratelimit-limit", HeaderValue::from_static("100"));
        headers.insert(
            "x-ratelimit-remaining",
            HeaderValue::from(100_u32.saturating_sub(count)),
        );
        headers.insert("x-ratelimit-reset", HeaderValue::from(reset));
        if self.date {
            let date = Timestamp::from_millisecond(self.now().as_millisecond() + self.skew * 1000)
                .unwrap();
            let date = jiff::fmt::rfc2822::DateTimePrinter::new()
                .timestamp_to_rfc9110_string(&date)
                .unwrap();
            headers.insert(http::header::DATE, HeaderValue::try_from(date).unwrap());
        }
        if count > 100 {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return (StatusCode::TOO_MANY_REQUESTS, headers);
        }
        (StatusCode::OK, headers)
    }

    /// Sends one request within the budget, the way the client does.
    async fn request(&self, budget: &Arc<Budget>, priority: Priority) -> StatusCode {
        let mut permit = budget.permit(priority).await;
        permit.sent();
        tokio::time::sleep(Duration::from_millis(20)).await;
        let (status, headers) = self.take();
        tokio::time::sleep(Duration::from_millis(20)).await;
        if status == StatusCode::OK {
            permit.answered(&headers, self.now());
        } else {
            permit.refused(&headers, self.now());
        }
        status
    }

    fn refused(&self) -> u32 {
        self.refused.load(Ordering::Relaxed)
    }
}

fn many(
    limiter: &Arc<Limiter>,
    budget: &Arc<Budget>,
    priority: Priority,
    count: usize,
) -> tokio::task::JoinSet<StatusCode> {
    let mut set = tokio::task::JoinSet::new();
    for _ in 0..count {
        let (limiter, budget) = (limiter.clone(), budget.clone());
        set.spawn(async move { limiter.request(&budget, priority).await });
    }
    set
}

#[tokio::test(start_paused = true)]
async fn a_thousand_requests_never_meet_a_429() {
    let (limiter, budget) = (Arc::new(Limiter::new()), Budget::new());
    let answers = many(&limiter, &budget, Priority::Urgent, 1000)
        .join_all()
        .await;
    assert_eq!(answers.len(), 1000);
    assert!(answers.iter().all(|status| *status == StatusCode::OK));
    assert_eq!(limiter.refused(), 0);
    // Ten windows, none of them left unused.
    let taken = limiter.start.elapsed();
    assert!(
        taken >= Duration::from_mins(9) && taken < Duration::from_mins(10),
        "{taken:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn one_request_goes_ahead_before_anything_is_known() {
    let budget = Budget::new();
    let first = budget.permit(Priority::Urgent).await;
    let second = tokio::time::timeout(Duration::from_secs(100), budget.permit(Priority::Urgent));
    assert!(second.await.is_err());
    // Given back unused, it makes room.
    drop(first);
    budget.permit(Priority::Urgent).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_used_before_the_start_counts() {
    let (limiter, budget) = (Arc::new(Limiter::new()), Budget::new());
    for _ in 0..95 {
        limiter.take();
    }
    tokio::time::sleep(Duration::from_secs(30)).await;
    let answers = many(&limiter, &budget, Priority::Urgent, 20)
        .join_all()
        .await;
    assert!(answers.iter().all(|status| *status == StatusCode::OK));
    // The window was open before, and its end is known by the header: no full minute from the first request.
    let taken = limiter.start.elapsed();
    assert!(
        taken > Duration::from_mins(1) && taken < Duration::from_secs(63),
        "{taken:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn lower_priorities_leave_a_reserve_and_the_urgent_pass_them() {
    let (limiter, budget) = (Arc::new(Limiter::new()), Budget::new());
    limiter.request(&budget, Priority::Urgent).await;
    let mut background = many(&limiter, &budget, Priority::Background, 200);
    let mut normal = many(&limiter, &budget, Priority::Normal, 50);
    tokio::time::sleep(Duration::from_secs(5)).await;
    // The background stopped at 20 left, the normal ones at 10.
    let state = budget.state();
    assert_eq!((state.limit, state.left, state.in_flight), (100, 10, 0));
    assert_eq!(state.waiting, (200 - 79) + (50 - 10));
    let before = Instant::now();
    assert_eq!(
        limiter.request(&budget, Priority::Urgent).await,
        StatusCode::OK
    );
    assert!(before.elapsed() < Duration::from_secs(1));
    background.shutdown().await;
    normal.shutdown().await;
    assert_eq!(budget.state().waiting, 0);
    assert_eq!(limiter.refused(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_urgent_go_first_and_within_a_priority_those_who_came_first() {
    let budget = Budget::new();
    // As long as nothing is known of the window, one goes at a time.
    let first = budget.permit(Priority::Background).await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut set = tokio::task::JoinSet::new();
    for (number, priority) in [
        (0, Priority::Background),
        (1, Priority::Normal),
        (2, Priority::Background),
        (3, Priority::Urgent),
        (4, Priority::Normal),
        (5, Priority::Urgent),
    ] {
        let (budget, order) = (budget.clone(), order.clone());
        set.spawn(async move {
            let permit = budget.permit(priority).await;
            order.lock().unwrap().push(number);
            drop(permit);
        });
        tokio::task::yield_now().await;
    }
    assert_eq!(budget.state().waiting, 6);
    drop(first);
    set.join_all().await;
    assert_eq!(*order.lock().unwrap(), [3, 5, 1, 4, 0, 2]);
}

#[tokio::test(start_paused = true)]
async fn somebody_who_gives_up_waiting_takes_nothing() {
    let (limiter, budget) = (Arc::new(Limiter::new()), Budget::new());
    for _ in 0..100 {
        limiter.request(&budget, Priority::Urgent).await;
    }
    let waiting = many(&limiter, &budget, Priority::Urgent, 50);
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(waiting);
    let answers = many(&limiter, &budget, Priority::Urgent, 100)
        .join_all()
        .await;
    assert_eq!(answers.len(), 100);
    // All hundred fitted into the next window.
    assert!(limiter.start.elapsed() < Duration::from_secs(70));
    assert_eq!(limiter.refused(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_counts_as_a_request() {
    let (limiter, budget) = (Arc::new(Limiter::new()), Budget::new());
    limiter.request(&budget, Priority::Urgent).await;
    let mut lost = budget.permit(Priority::Urgent).await;
    lost.sent();
    drop(lost);
    let never_sent = budget.permit(Priority::Urgent).await;
    drop(never_sent);
    assert_eq!(budget.state().left, 98);
    assert_eq!(budget.state().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn after_a_429_nobody_asks_until_the_window_is_over() {
    let (limiter, budget) = (Arc::new(Limiter::new()), Budget::new());
    limiter.request(&budget, Priority::Urgent).await;
    // Somebody else uses up the window.
    for _ in 0..99 {
        limiter.take();
    }
    assert_eq!(
        limiter.request(&budget, Priority::Urgent).await,
        StatusCode::TOO_MANY_REQUESTS
    );
    assert_eq!(budget.state().refused, 1);
    assert_eq!(budget.state().left, 0);
    let answers = many(&limiter, &budget, Priority::Background, 30)
        .join_all()
        .await;
    assert!(answers.iter().all(|status| *status == StatusCode::OK));
    assert!(limiter.start.elapsed() >= Duration::from_mins(1));
    assert_eq!(limiter.refused(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_429_without_headers_closes_the_window_for_a_minute() {
    let budget = Budget::new();
    let waiting = {
        let mut permit = budget.permit(Priority::Urgent).await;
        permit.sent();
        let waiting = {
            let budget = budget.clone();
            tokio::spawn(async move { drop(budget.permit(Priority::Urgent).await) })
        };
        tokio::task::yield_now().await;
        permit.refused(&HeaderMap::new(), Timestamp::UNIX_EPOCH);
        waiting
    };
    let start = Instant::now();
    waiting.await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(61));
}

#[tokio::test(start_paused = true)]
async fn clocks_that_differ_do_no_harm() {
    for (skew, date) in [
        (40, false),
        (-40, true),
        (3600, false),
        (-3600, false),
        (-3600, true),
        (20, true),
    ] {
        let limiter = Arc::new(Limiter {
            skew,
            date,
            ..Limiter::new()
        });
        let budget = Budget::new();
        let answers = many(&limiter, &budget, Priority::Urgent, 250)
            .join_all()
            .await;
        assert!(
            answers.iter().all(|status| *status == StatusCode::OK),
            "skew of {skew} s"
        );
        let taken = limiter.start.elapsed();
        assert!(
            taken < Duration::from_secs(126),
            "skew of {skew} s took {taken:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_without_a_budget_is_counted_by_ourselves() {
    let budget = Budget::new();
    let start = Instant::now();
    for _ in 0..150 {
        let mut permit = budget.permit(Priority::Urgent).await;
        permit.sent();
        permit.answered(&HeaderMap::new(), Timestamp::UNIX_EPOCH);
    }
    assert_eq!(start.elapsed(), Duration::from_secs(61));
}
