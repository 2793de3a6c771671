//! The contract's own checks.

use remote::contract::CHECKS;

use crate::world::SandboxWorld;

#[tokio::test]
async fn gitter_keeps_every_promise_of_the_contract() {
    let mut broken = Vec::new();
    for check in CHECKS {
        let world = SandboxWorld::new().await;
        if let Err(error) = (check.run)(&world).await {
            broken.push(format!("{}: {error}", check.promise));
        }
    }
    assert!(broken.is_empty(), "broken promises:\n{}", broken.join("\n"));
}
