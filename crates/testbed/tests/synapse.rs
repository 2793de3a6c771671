//! The real Synapse: people on it see each other, an appservice hears of what concerns it, and nothing stays behind.

use serde_json::json;
use testbed::progress::Lines;
use testbed::synapse::{self, Options, RateLimits, Synapse};

#[tokio::test]
async fn two_people_talk() {
    let synapse = synapse::shared().await.unwrap();
    let (anna, ben) = (
        synapse.user("anna").await.unwrap(),
        synapse.user("ben").await.unwrap(),
    );
    let dm = anna.start_dm(&ben.id).await.unwrap();
    let room = ben
        .wait_for_invite("Anna's invite", |event| event.sender() == anna.id)
        .await
        .unwrap();
    assert_eq!(room, dm.room);
    ben.join(&room).await.unwrap();
    anna.say(&room, "good morning").await.unwrap();
    let heard = ben
        .wait_for("Anna's message", |event| event.is_message_of(&anna.id))
        .await
        .unwrap();
    assert_eq!(heard.body(), "good morning");
    assert_eq!(anna.bodies(&room).await.unwrap(), ["good morning"]);
    let mut both = [anna.id.clone(), ben.id.clone()];
    both.sort();
    assert_eq!(anna.members(&room, "join").await.unwrap(), both);
}

#[tokio::test]
async fn a_slot_is_an_appservice_the_homeserver_accepts() {
    let synapse = synapse::shared().await.unwrap();
    let slot = synapse.slot().unwrap();
    let http = testbed::http::client().unwrap();
    let whoami = synapse
        .base()
        .join("_matrix/client/v3/account/whoami")
        .unwrap();
    let answer = http
        .get(whoami)
        .bearer_auth(&slot.as_token)
        .send()
        .await
        .unwrap();
    let answer: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(answer["user_id"], slot.bot_id());
}

#[tokio::test]
async fn stock_limits_hold_and_data_outlives_a_kill() {
    let options = Options {
        rate_limits: RateLimits::Stock,
        slots: 1,
        ..Options::default()
    };
    let synapse = Synapse::start(options, &Lines).await.unwrap();
    let anna = synapse.user("anna").await.unwrap();
    let room = anna.create_room(&json!({})).await.unwrap();
    let mut limited = None;
    for number in 0..40 {
        if let Err(refused) = anna.say(&room, &format!("message {number}")).await {
            limited = Some(refused);
            break;
        }
    }
    assert_eq!(limited.unwrap().code, "M_LIMIT_EXCEEDED");

    synapse.kill().await.unwrap();
    synapse.start_again().await.unwrap();
    assert_eq!(anna.bodies(&room).await.unwrap()[0], "message 0");
}
