//! Rooms, who is in them, and their pictures.

use crate::{Event, Fault, RoomChange, Standing};

use super::ears::{Ears, listening};
use super::{Broken, Verdict, World, ensure, tester};

pub(super) async fn listed(world: &dyn World) -> Verdict {
    let account = tester(world).await?;
    let rooms = account.rooms().await?;
    for wanted in [world.room(), world.second_room()] {
        let listed = rooms.iter().find(|room| room.id == wanted);
        let listed = listed.ok_or_else(|| Broken(format!("room {wanted} is not listed")))?;
        ensure(listed.standing != Standing::Outside, || {
            format!("{} is listed, but not as his", listed.address)
        })?;
        let found = account.find_room(&listed.address).await?;
        ensure(found.id == wanted, || {
            format!("{} leads to {}", listed.address, found.id)
        })?;
        let read = account.room(&wanted).await?;
        ensure(read.id == wanted && read.address == listed.address, || {
            format!("{wanted} reads as {read:?}")
        })?;
    }
    Ok(())
}

pub(super) async fn addresses(world: &dyn World) -> Verdict {
    let network = world.network();
    for room in tester(world).await?.rooms().await? {
        let address = &room.address;
        let mut ways = vec![address.clone(), format!(" {address} ")];
        if !address.starts_with('@') {
            let site = network.info().url.as_str().trim_end_matches('/').to_owned();
            ways.extend([
                format!("/{address}"),
                format!("{site}/{address}"),
                format!("{site}/{address}/"),
            ]);
        }
        for way in ways {
            let understood = network.parse_address(&way);
            ensure(understood.as_ref() == Some(address), || {
                format!("{way:?} is understood as {understood:?}")
            })?;
        }
        let loud = address.to_uppercase();
        let understood = network
            .parse_address(&loud)
            .ok_or_else(|| Broken(format!("{loud:?} is not understood")))?;
        let same = understood.to_lowercase() == address.to_lowercase();
        ensure(same, || format!("{loud:?} is understood as {understood:?}"))?;
    }
    for nonsense in [
        "",
        " ",
        "@",
        "/",
        "two words",
        "https://example.invalid/a/b",
    ] {
        let understood = network.parse_address(nonsense);
        ensure(understood.is_none(), || {
            format!("{nonsense:?} is understood as {understood:?}")
        })?;
    }
    Ok(())
}

pub(super) async fn members(world: &dyn World) -> Verdict {
    let account = tester(world).await?;
    let me = account.me().await?;
    let members = account.members(&world.room(), 100).await?;
    for wanted in [me.id, world.other().id] {
        ensure(
            members.iter().any(|member| member.person.id == wanted),
            || format!("{wanted} is missing"),
        )?;
    }
    let one = account.members(&world.room(), 1).await?;
    ensure(one.len() == 1, || {
        format!("{} members for a limit of 1", one.len())
    })
}

pub(super) async fn join_and_leave(world: &dyn World) -> Verdict {
    let account = tester(world).await?;
    let ears = Ears::default();
    listening(&*account, &ears, async {
        ears.connected(0).await?;
        let room = account.find_room(&world.open_room()).await?;
        ensure(room.standing == Standing::Outside, || {
            format!("already {:?} in {}", room.standing, room.address)
        })?;
        let joined = account.join(&room.id).await?;
        ensure(joined.standing != Standing::Outside, || {
            "joined and yet outside".to_owned()
        })?;
        ears.until("RoomAdded", 0, |event| match event {
            Event::RoomAdded(added) if added.id == room.id => Some(()),
            _ => None,
        })
        .await?;
        ensure(
            account.rooms().await?.iter().any(|one| one.id == room.id),
            || "joined, not listed".to_owned(),
        )?;
        account.leave(&room.id).await?;
        ears.until("RoomRemoved", 0, |event| {
            (*event == Event::RoomRemoved(room.id.clone())).then_some(())
        })
        .await?;
        ensure(
            !account.rooms().await?.iter().any(|one| one.id == room.id),
            || "left, but listed".to_owned(),
        )
    })
    .await
}

pub(super) async fn topic(world: &dyn World) -> Verdict {
    let account = tester(world).await?;
    let (mine, others) = (world.second_room(), world.room());
    for topic in ["Tea & sympathy", ""] {
        let change = RoomChange::Topic(topic.to_owned());
        let wanted = Some(topic.to_owned()).filter(|topic| !topic.is_empty());
        match account.change_room(&mine, &change).await {
            Ok(room) => ensure(room.topic == wanted, || {
                format!("the topic is {:?}", room.topic)
            })?,
            Err(error) if error.fault == Fault::Unsupported => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        let read = account.room(&mine).await?;
        ensure(read.topic == wanted, || {
            format!("the topic reads {:?}", read.topic)
        })?;
    }
    let before = account.room(&others).await?.topic;
    let change = RoomChange::Topic("not mine to say".to_owned());
    match account.change_room(&others, &change).await {
        Err(error) if error.fault == Fault::Forbidden => {}
        other => return Err(Broken(format!("somebody else's topic: {other:?}"))),
    }
    let after = account.room(&others).await?.topic;
    ensure(after == before, || format!("it is {after:?} now"))
}

pub(super) async fn avatars(world: &dyn World) -> Verdict {
    let account = tester(world).await?;
    let Some(avatar) = world.other().avatar else {
        return Ok(());
    };
    let image = account.avatar(&avatar, 1 << 20).await?;
    ensure(
        !image.bytes.is_empty() && image.mime.starts_with("image/"),
        || format!("a picture of {}", image.mime),
    )?;
    match account.avatar(&avatar, 1).await {
        Err(error) if error.fault == Fault::TooLarge => Ok(()),
        other => Err(Broken(format!(
            "a picture of more than one byte came as {:?}",
            other.map(|image| image.mime)
        ))),
    }
}
