//! "Ready at once with any number of portals".

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::BoxFuture;
use stage::Stage;
use store::{Error, Steps};

/// Counts statements.
#[derive(Debug, Default)]
struct Counter(AtomicUsize);

impl Steps for Counter {
    fn before(&self) -> BoxFuture<'_, Result<(), Error>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Ok(()) })
    }

    fn after(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }
}

/// What a start costs with so many portals until it is ready: statements to the database, and requests to the homeserver.
async fn cost(portals: usize) -> (usize, usize) {
    let mut stage = Stage::new().await;
    stage.log_in().await;
    stage
        .meddle(&format!(
            "INSERT INTO portals (login_id, mxid, remote_room, room_id, state, kind, address, name, opened, in_space)
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {portals})
            SELECT logins.id, mxid, 'room-org/' || i, '!room' || i || ':example.org', 'joined', 'public', 'org/' || i,
                'org/' || i, TRUE, TRUE FROM n, logins"
        ))
        .await;
    stage.network.lock().rooms = (1..=portals)
        .map(|number| stage::network::room(&format!("org/{number}")))
        .collect();
    let login = stage.login().await;
    assert_eq!(
        stage.store.joined_portals(login.id).await.unwrap().len(),
        portals
    );
    let counter = Arc::new(Counter::default());
    stage.store = stage.store.clone().in_steps(counter.clone());
    stage.start().await;
    let statements = counter.0.load(Ordering::Relaxed);
    // A transaction is taken: it is ready.
    stage.push(Vec::new()).await;
    let health = stage.bridge.as_ref().unwrap().health().await;
    assert_eq!((health.database, health.homeserver), (Ok(()), Ok(())));
    let requests = stage.homeserver.lock().requests.len();
    (statements, requests)
}

#[tokio::test(start_paused = true)]
async fn ready_with_ten_thousand_portals_at_the_cost_of_ten() {
    let (few, many) = (cost(10).await, cost(10_000).await);
    assert_eq!(few, many);
    assert!(few.0 < 20 && few.1 < 20, "{few:?}");
}
