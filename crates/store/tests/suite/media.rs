//! Files.

use store::{SecretKey, Store, Uploaded};

use crate::Base;

const MXC: &str = "mxc://example.org/one";

pub(crate) async fn uploads(base: Base) {
    let store = base.open().await;
    let address = format!("https://files.example/{}", "long/".repeat(2_000));
    assert_eq!(store.uploaded(&address).await.unwrap(), None);
    let mut uploaded = Uploaded {
        mxc: MXC.into(),
        info: "{}".into(),
    };
    store.put_uploaded(&address, &uploaded, 5).await.unwrap();
    uploaded.info = "{\"size\":1}".into();
    store.put_uploaded(&address, &uploaded, 7).await.unwrap();
    let found = store.uploaded(&address).await.unwrap();
    assert_eq!(found, Some(uploaded));
    store.drop_uploaded(7).await.unwrap();
    assert!(store.uploaded(&address).await.unwrap().is_some());
    store.drop_uploaded(8).await.unwrap();
    assert_eq!(store.uploaded(&address).await.unwrap(), None);
    assert_eq!(
        store.uploaded("https://files.example/").await.unwrap(),
        None
    );
}

pub(crate) async fn links(base: Base) {
    let store = base.open().await;
    let secret = store
        .put_link("!r", "$a", MXC, "cat.png", "{}", 5)
        .await
        .unwrap();
    let link = store.link(&secret).await.unwrap().unwrap();
    assert_eq!(
        (link.event_id.as_str(), link.name.as_str()),
        ("$a", "cat.png")
    );
    assert_eq!((link.mxc.as_deref(), link.made_at), (Some(MXC), 5));
    assert_eq!(link.info, "{}");
    let again = store
        .put_link("!r", "$a", MXC, "dog.png", "{\"size\":1}", 9)
        .await
        .unwrap();
    assert_eq!(again, secret);
    assert_eq!(store.link(&secret).await.unwrap(), Some(link), "as it was");

    let other = store
        .put_link("!r", "$a", "mxc://example.org/two", "cat.png", "{}", 5)
        .await
        .unwrap();
    let elsewhere = store
        .put_link("!r", "$b", MXC, "cat.png", "{}", 5)
        .await
        .unwrap();
    assert!(other != secret && elsewhere != secret && other != elsewhere);
    assert_eq!(store.revoke_links("!other", "$a").await.unwrap(), 0);
    assert_eq!(store.revoke_links("!r", "$a").await.unwrap(), 2);
    assert_eq!(store.revoke_links("!r", "$a").await.unwrap(), 0);
    for gone in [&secret, &other] {
        assert_eq!(store.link(gone).await.unwrap().unwrap().mxc, None);
    }
    let stays = store.link(&elsewhere).await.unwrap().unwrap();
    assert_eq!(stays.mxc.as_deref(), Some(MXC));
    store
        .put_link("!r", "$a", MXC, "cat.png", "{}", 10)
        .await
        .unwrap();
    let revoked = store.link(&secret).await.unwrap().unwrap();
    assert_eq!(revoked.mxc, None, "a repeat does not bring it back");
}

pub(crate) async fn what_a_link_is_made_of(base: Base) {
    let store = base.open().await;
    let secret = store
        .put_link("!r", "$a", MXC, "cat.png", "{}", 5)
        .await
        .unwrap();
    assert_eq!(secret.len(), 32);
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    assert!(secret.chars().all(plain));
    for wrong in ["", "$a", &secret[1..], &secret.to_lowercase(), "%"] {
        assert_eq!(store.link(wrong).await.unwrap(), None, "{wrong}");
    }

    let folder = tempfile::tempdir().unwrap();
    let options = store::Options {
        uri: format!("sqlite:{}/other.db", folder.path().display()).into(),
        max_connections: 1,
    };
    let stranger = Store::open(&options, &SecretKey::new([1; 32]))
        .await
        .unwrap();
    let theirs = stranger
        .put_link("!r", "$a", MXC, "cat.png", "{}", 5)
        .await
        .unwrap();
    assert_ne!(theirs, secret, "another key makes other links");
}

pub(crate) async fn links_are_dropped(base: Base) {
    let store = base.open().await;
    let put = async |event, now| store.put_link("!r", event, MXC, "cat.png", "{}", now).await;
    let (old, new) = (put("$old", 5).await.unwrap(), put("$new", 9).await.unwrap());
    let revoked = put("$revoked", 7).await.unwrap();
    store.revoke_links("!r", "$revoked").await.unwrap();
    let left = async || {
        let mut left = Vec::new();
        for secret in [&old, &revoked, &new] {
            left.push(store.link(secret).await.unwrap().is_some());
        }
        left
    };
    store.drop_links(i64::MIN, 7).await.unwrap();
    assert_eq!(left().await, [true, true, true]);
    store.drop_links(i64::MIN, 8).await.unwrap();
    assert_eq!(left().await, [true, false, true]);
    store.drop_links(9, 0).await.unwrap();
    assert_eq!(left().await, [false, false, true]);
}
