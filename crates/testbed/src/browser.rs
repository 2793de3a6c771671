//! A real browser: Debian's Chromium, without a window, driven through chromedriver.
//!
//! Its pages are `fantoccini`'s; here stands only what every test needs: start, look, press, take a picture.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Process, tail};
use crate::progress::Progress;
use crate::{debian, ports, scratch};

/// What the person looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// Width in CSS pixels.
    pub width: u32,
    /// Height in CSS pixels.
    pub height: u32,
    /// Does the person prefer dark pages?
    pub dark: bool,
}

impl Screen {
    /// A laptop, light.
    pub const WIDE: Self = Self {
        width: 1280,
        height: 800,
        dark: false,
    };
    /// A phone, light.
    pub const NARROW: Self = Self {
        width: 360,
        height: 740,
        dark: false,
    };

    /// The same, with a preference for dark pages.
    #[must_use]
    pub const fn dark(self) -> Self {
        Self { dark: true, ..self }
    }
}

/// The key, as [`Browser::types`] presses it (its code in the specification of `WebDriver`).
pub const ENTER: char = '\u{e007}';

/// A browser with an empty profile.
#[derive(Debug)]
pub struct Browser {
    /// The open page; see `fantoccini` for what it can do.
    pub page: Client,
    driver: Process,
    // Goes after the browser.
    _home: TempDir,
}

impl Browser {
    /// Installs Chromium if it is missing.
    pub async fn prepare(progress: &dyn Progress) -> anyhow::Result<()> {
        programs(progress).await.map(drop)
    }

    /// Starts one (1 s; longer if the packages must be installed first).
    pub async fn start(screen: Screen, progress: &dyn Progress) -> anyhow::Result<Self> {
        let (driver, chromium) = programs(progress).await?;
        let home = scratch::directory("browser")?;
        let log = home.path().join("log");
        let out = std::fs::File::create(&log).context("cannot write the browser's log")?;
        let port = ports::reserve()?;
        let mut command = Command::new(driver);
        command
            .arg(format!("--port={port}"))
            // Crash reporters put themselves out of our reach otherwise.
            .env("HOME", home.path())
            .stdin(Stdio::null())
            .stdout(out.try_clone().context("cannot share a log")?)
            .stderr(out);
        let driver = Process::start("chromedriver", &mut command, Signal::TERM)?;
        let page = connect(port, capabilities(screen, &chromium, &home))
            .await
            .with_context(|| tail(&std::fs::read_to_string(&log).unwrap_or_default(), 10))?;
        Ok(Self {
            page,
            driver,
            _home: home,
        })
    }

    /// Opens an address.
    pub async fn open(&self, url: &str) -> anyhow::Result<()> {
        self.page
            .goto(url)
            .await
            .with_context(|| format!("cannot open {url}"))
    }

    /// Presses the button or follows the link on which `text` stands, and waits for the page it leads to.
    pub async fn press(&self, text: &str) -> anyhow::Result<()> {
        self.click(&format!(
            "//*[self::button or self::a][contains(normalize-space(.), '{text}')] \
             | //input[@type='submit'][contains(@value, '{text}')]"
        ))
        .await
        .with_context(|| format!("no button {text:?}"))
    }

    /// Presses the only button there is, and waits for the page it leads to.
    pub async fn press_only_button(&self) -> anyhow::Result<()> {
        let buttons = self
            .page
            .find_all(Locator::Css("button, input[type=submit]"))
            .await?;
        anyhow::ensure!(buttons.len() == 1, "not one button but {}", buttons.len());
        self.click("//button | //input[@type='submit']").await
    }

    async fn click(&self, xpath: &str) -> anyhow::Result<()> {
        let Ok(element) = self.page.find(Locator::XPath(xpath)).await else {
            let (url, text) = (self.page.current_url().await?, self.text().await?);
            anyhow::bail!("nothing to press on {url}: {text}");
        };
        element.click().await.context("it cannot be pressed")?;
        // The driver may answer before the next page has begun; what was pressed goes with the old one.
        for _ in 0..400 {
            if element.tag_name().await.is_err() {
                self.page.wait().for_element(Locator::Css("body")).await?;
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        anyhow::bail!("no other page came after 10 s")
    }

    /// What a person reads.
    pub async fn text(&self) -> anyhow::Result<String> {
        let body = self.page.find(Locator::Css("body")).await?;
        Ok(body.text().await?)
    }

    /// Does something within a frame: its number in the page, then the number of a frame within that, and so on, from 0.
    /// Afterwards the page itself is looked at again.
    pub async fn in_frame<T>(
        &self,
        frame: &[u16],
        act: impl AsyncFnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        for number in frame {
            self.page
                .enter_frame(*number)
                .await
                .with_context(|| format!("no frame {number}"))?;
        }
        let done = act().await;
        for _ in frame {
            self.page.enter_parent_frame().await?;
        }
        done
    }

    /// Waits until what a person reads in a frame is as `wanted`; for at most a minute.
    pub async fn reads(
        &self,
        frame: &[u16],
        what: &str,
        wanted: impl Fn(&str) -> bool,
    ) -> anyhow::Result<()> {
        let mut text = String::new();
        for _ in 0..600 {
            // In one go, since a page may be loaded anew at any moment.
            let script = "return document.body ? document.body.innerText : ''";
            let read = async || Ok(self.page.execute(script, Vec::new()).await?);
            if let Ok(now) = self.in_frame(frame, read).await {
                now.as_str().unwrap_or_default().clone_into(&mut text);
            }
            if wanted(&text) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        anyhow::bail!("{what} never showed; instead: {text}")
    }

    /// Types into the field at a CSS selector, as soon as it is there; [`ENTER`] is a key, too.
    pub async fn types(&self, field: &str, text: &str) -> anyhow::Result<()> {
        let field = self
            .page
            .wait()
            .at_most(Duration::from_mins(1))
            .for_element(Locator::Css(field))
            .await
            .with_context(|| format!("no field {field:?}"))?;
        Ok(field.send_keys(text).await?)
    }

    /// Presses a button which opens a prompt, and answers that.
    pub async fn press_and_answer(&self, button: &str, answer: &str) -> anyhow::Result<()> {
        let xpath = format!("//button[normalize-space(.)='{button}']");
        self.page
            .wait()
            .at_most(Duration::from_mins(1))
            .for_element(Locator::XPath(&xpath))
            .await
            .with_context(|| format!("no button {button:?}"))?
            .click()
            .await?;
        self.page.send_alert_text(answer).await?;
        Ok(self.page.accept_alert().await?)
    }

    /// Is the page wider than the screen, so that a person must scroll sideways?
    pub async fn scrolls_sideways(&self) -> anyhow::Result<bool> {
        let script = "return document.documentElement.scrollWidth > window.innerWidth";
        Ok(self
            .page
            .execute(script, Vec::new())
            .await?
            .as_bool()
            .unwrap_or_default())
    }

    /// Takes a picture of the page into `target/screenshots/<name>.png`.
    pub async fn screenshot(&self, name: &str) -> anyhow::Result<PathBuf> {
        let directory = scratch::target().join("screenshots");
        std::fs::create_dir_all(&directory).context("cannot make a directory for screenshots")?;
        let file = directory.join(format!("{name}.png"));
        std::fs::write(&file, self.page.screenshot().await?)
            .context("cannot write a screenshot")?;
        Ok(file)
    }

    /// Ends the browser in good order.
    pub async fn close(mut self) -> anyhow::Result<()> {
        self.page
            .clone()
            .close()
            .await
            .context("cannot close the browser")?;
        self.driver.stop().await.map(drop)
    }
}

/// Where chromedriver and Chromium are.
async fn programs(progress: &dyn Progress) -> anyhow::Result<(PathBuf, PathBuf)> {
    let packages = ["chromium", "chromium-driver"];
    debian::find_or_install("Chromium with its driver", &packages, progress, || {
        Some((debian::find("chromedriver")?, debian::find("chromium")?))
    })
    .await
}

fn capabilities(screen: Screen, chromium: &std::path::Path, home: &TempDir) -> Value {
    let mut arguments = vec![
        "--headless".to_owned(),
        "--no-sandbox".to_owned(),
        "--disable-gpu".to_owned(),
        "--disable-quic".to_owned(),
        "--no-first-run".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-component-update".to_owned(),
        "--disable-sync".to_owned(),
        "--disable-breakpad".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        format!("--user-data-dir={}", home.path().join("profile").display()),
    ];
    if screen.dark {
        arguments.push("--blink-settings=preferredColorScheme=0".to_owned());
    }
    json!({
        "goog:chromeOptions": {
            "binary": chromium,
            "args": arguments,
            // A window cannot be as narrow as a phone.
            "mobileEmulation": {
                "deviceMetrics": {
                    "width": screen.width,
                    "height": screen.height,
                    "pixelRatio": 1.0,
                    "mobile": screen.width < 600,
                    "touch": screen.width < 600,
                },
            },
        },
    })
}

async fn connect(port: u16, capabilities: Value) -> anyhow::Result<Client> {
    let Value::Object(capabilities) = capabilities else {
        anyhow::bail!("not an object")
    };
    let mut builder = ClientBuilder::new(HttpConnector::new());
    builder.capabilities(capabilities);
    // The driver needs a moment to listen.
    for _ in 0..200 {
        if tokio::net::TcpStream::connect(("127.0.0.1", port))
            .await
            .is_ok()
        {
            let address = format!("http://127.0.0.1:{port}");
            return builder
                .connect(&address)
                .await
                .context("Chromium does not start");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    anyhow::bail!("chromedriver does not answer after 10 s")
}
