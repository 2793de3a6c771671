//! Not being seen where the person is not.
//!
//! Whoever listens to a room on Gitter is shown to the others as looking at it; with many rooms, at the one he came to last. The
//! bridge listens for him all day, so it says after each burst of subscriptions that he does not look. (That he was there at that
//! time is noted all the same, and others do not see it.)

use std::convert::Infallible;
use std::time::Duration;

use gitter::Client;
use gitter::realtime::SocketId;
use tokio::sync::watch;

/// How long to wait for further subscriptions, so that one request does for all.
const BURST: Duration = Duration::from_secs(1);

/// Goes on for as long as it is polled.
pub(super) async fn look_away(
    client: &Client,
    mut present: watch::Receiver<Option<SocketId>>,
) -> Infallible {
    let client = client.background();
    while present.changed().await.is_ok() {
        tokio::time::sleep(BURST).await;
        let socket = present.borrow_and_update().clone();
        if let Some(socket) = socket
            && let Err(error) = client.look_away(&socket).await
        {
            // Nobody is worse off than without asking, and the next connection asks again.
            tracing::debug!(%error, "Gitter still shows somebody as present");
        }
    }
    std::future::pending().await
}
