//! Files: putting them on the homeserver and getting them from there.

use reqwest::header::CONTENT_TYPE;

use super::{Refused, User, path, request};

impl User {
    /// Stores a file; gives its `mxc://` URI.
    pub async fn upload(&self, name: &str, mime: &str, bytes: &[u8]) -> anyhow::Result<String> {
        let mut url = self.base.join("_matrix/media/v3/upload")?;
        url.query_pairs_mut().append_pair("filename", name);
        let sent = self
            .http
            .post(url)
            .bearer_auth(&self.token)
            .header(CONTENT_TYPE, mime)
            .body(bytes.to_vec())
            .send()
            .await?;
        let answer = request::json("POST", "upload", sent).await?;
        Ok(answer["content_uri"]
            .as_str()
            .unwrap_or_default()
            .to_owned())
    }

    /// The bytes of an `mxc://` URI, and the MIME type which the homeserver gives them.
    pub async fn download(&self, mxc: &str) -> anyhow::Result<(String, Vec<u8>)> {
        let (server, id) = mxc
            .strip_prefix("mxc://")
            .and_then(|rest| rest.split_once('/'))
            .unwrap_or_default();
        let path = path(&["v1", "media", "download", server, id]);
        let url = self.base.join(&format!("_matrix/client/{path}"))?;
        let answer = self.http.get(url).bearer_auth(&self.token).send().await?;
        if !answer.status().is_success() {
            return Err(match request::json("GET", &path, answer).await {
                Err(refused) => refused.into(),
                Ok(_) => anyhow::anyhow!("a success that is none"),
            });
        }
        let mime = answer.headers().get(CONTENT_TYPE);
        let mime = mime.and_then(|it| it.to_str().ok()).unwrap_or_default();
        Ok((mime.to_owned(), answer.bytes().await?.to_vec()))
    }

    /// Sends a file of the homeserver into a room; gives the event's id.
    pub async fn send_file(
        &self,
        room: &str,
        msgtype: &str,
        name: &str,
        mxc: &str,
    ) -> Result<String, Refused> {
        let content = serde_json::json!({ "msgtype": msgtype, "body": name, "url": mxc });
        self.send(room, "m.room.message", &content).await
    }
}
