//! What stands between two parts, and cuts, stalls or delays what they say to each other.
//!
//! To add a kind of weather: a variant of [`Weather`], and what it does to bytes in [`carry`] or to connections in [`pass`].

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What becomes of bytes on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weather {
    /// They pass.
    Fine,
    /// Each piece takes so long.
    Slow(Duration),
    /// They pass one way, and the connection is dropped when the answer comes.
    AnswersLost,
    /// Nothing passes, and nobody is told: connections stay half-open.
    Stalled,
    /// Connections are dropped, and so is each new one.
    Cut,
}

/// Listens at one port of loopback and passes on to another. It ends when it is dropped.
pub(crate) struct Proxy {
    weather: watch::Sender<Weather>,
    tasks: JoinSet<()>,
}

impl Proxy {
    /// Begins to listen.
    pub(crate) async fn start(from: u16, to: u16) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", from)).await?;
        let (weather, seen) = watch::channel(Weather::Fine);
        let mut tasks = JoinSet::new();
        tasks.spawn(listen(listener, to, seen));
        Ok(Self { weather, tasks })
    }

    /// From now on it is like this.
    pub(crate) fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.tasks.abort_all();
    }
}

async fn listen(listener: TcpListener, to: u16, weather: watch::Receiver<Weather>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        connections.spawn(pass(client, to, weather.clone()));
    }
}

/// One connection, until either side or the weather ends it.
async fn pass(client: TcpStream, to: u16, mut weather: watch::Receiver<Weather>) {
    if *weather.borrow() == Weather::Cut {
        return;
    }
    let Ok(server) = TcpStream::connect(("127.0.0.1", to)).await else {
        return;
    };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = carry(from_client, to_server, weather.clone(), Way::There) => {}
        () = carry(from_server, to_client, weather.clone(), Way::Back) => {}
        () = until_cut(&mut weather) => {}
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    There,
    Back,
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut weather: watch::Receiver<Weather>,
    way: Way,
) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let now = *weather.borrow_and_update();
        match now {
            Weather::Slow(takes) => tokio::time::sleep(takes).await,
            Weather::AnswersLost if way == Way::Back => return,
            Weather::Fine | Weather::Cut | Weather::AnswersLost => {}
            Weather::Stalled => {
                // What was held is lost: a connection that was silent for so long has been given up by one side.
                let _ = weather.wait_for(|it| *it != Weather::Stalled).await;
                return;
            }
        }
        let Some(piece) = buffer.get(..count) else {
            return;
        };
        if to.write_all(piece).await.is_err() {
            return;
        }
    }
}

async fn until_cut(weather: &mut watch::Receiver<Weather>) {
    let cut = weather.wait_for(|it| *it == Weather::Cut).await.is_ok();
    if !cut {
        // The proxy is gone, and its tasks with it.
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that gives back what it gets.
    async fn echo() -> u16 {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = client.split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        port
    }

    async fn ask(client: &mut TcpStream) -> std::io::Result<Vec<u8>> {
        client.write_all(b"ask").await?;
        let mut answer = vec![0; 3];
        client.read_exact(&mut answer).await?;
        Ok(answer)
    }

    #[tokio::test]
    async fn bytes_pass_or_do_not_as_the_weather_is() {
        let port = testbed::ports::reserve().unwrap();
        let proxy = Proxy::start(port, echo().await).await.unwrap();
        let connect = || TcpStream::connect(("127.0.0.1", port));

        let mut client = connect().await.unwrap();
        assert_eq!(ask(&mut client).await.unwrap(), b"ask");
        proxy.set(Weather::AnswersLost);
        assert!(ask(&mut client).await.is_err());

        proxy.set(Weather::Fine);
        let mut client = connect().await.unwrap();
        assert_eq!(ask(&mut client).await.unwrap(), b"ask");
        proxy.set(Weather::Cut);
        assert!(ask(&mut client).await.is_err());
        let mut refused = connect().await.unwrap();
        assert!(ask(&mut refused).await.is_err());

        proxy.set(Weather::Stalled);
        let mut client = connect().await.unwrap();
        let silent = tokio::time::timeout(Duration::from_millis(50), ask(&mut client)).await;
        assert!(silent.is_err());
        proxy.set(Weather::Slow(Duration::from_millis(1)));
        let mut client = connect().await.unwrap();
        assert_eq!(ask(&mut client).await.unwrap(), b"ask");
    }
}
