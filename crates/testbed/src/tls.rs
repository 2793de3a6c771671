//! A certificate authority of the tests' own, and TLS in front of servers that speak none.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::{http, scratch};

/// An authority that nobody trusts who was not told to.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    home: TempDir,
}

/// A certificate and its key, as PEM.
#[derive(Debug)]
pub struct Certificate {
    /// The certificate.
    pub chain: String,
    /// Its key.
    pub key: String,
}

/// TLS on a port of its own. Dropping it ends it, and what goes through it.
#[derive(Debug)]
pub struct Front {
    /// The port.
    pub port: u16,
    task: AbortHandle,
}

impl Authority {
    /// A new one.
    pub fn new() -> anyhow::Result<Self> {
        let key = KeyPair::generate().context("cannot make a key")?;
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.distinguished_name.push(
            DnType::CommonName,
            format!("Test bed {}", http::random_hex(4)),
        );
        let own = params.self_signed(&key).context("cannot sign")?;
        let home = scratch::directory("ca")?;
        std::fs::write(home.path().join("ca.pem"), own.pem()).context("cannot write ca.pem")?;
        Ok(Self {
            issuer: Issuer::new(params, key),
            home,
        })
    }

    /// Its certificate, for `SSL_CERT_FILE`.
    pub fn file(&self) -> PathBuf {
        self.home.path().join("ca.pem")
    }

    /// A certificate for a host.
    pub fn certificate(&self, host: &str) -> anyhow::Result<Certificate> {
        let key = KeyPair::generate().context("cannot make a key")?;
        let params = CertificateParams::new(vec![host.to_owned()]).context("not a host")?;
        let signed = params
            .signed_by(&key, &self.issuer)
            .context("cannot sign")?;
        Ok(Certificate {
            chain: signed.pem(),
            key: key.serialize_pem(),
        })
    }

    /// Listens with a certificate for this host, and hands on what comes to a port of this machine.
    pub async fn front(&self, host: &str, to: u16) -> anyhow::Result<Front> {
        let certificate = self.certificate(host)?;
        let chain = CertificateDer::from_pem_slice(certificate.chain.as_bytes())?;
        let key = PrivateKeyDer::from_pem_slice(certificate.key.as_bytes())?;
        let config = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![chain], key)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let task = tokio::spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                open.spawn(async move {
                    // Who refuses the certificate hangs up, which is what some tests are about.
                    let mut outside = acceptor.accept(stream).await?;
                    let mut inside = TcpStream::connect(("127.0.0.1", to)).await?;
                    tokio::io::copy_bidirectional(&mut outside, &mut inside).await
                });
                while open.try_join_next().is_some() {}
            }
        });
        Ok(Front {
            port,
            task: task.abort_handle(),
        })
    }
}

impl Certificate {
    /// Writes `server.crt` and `server.key` there.
    pub(crate) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        let key = folder.join("server.key");
        std::fs::write(folder.join("server.crt"), &self.chain).context("cannot write a file")?;
        std::fs::write(&key, &self.key).context("cannot write a file")?;
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600))
            .context("cannot close a file to others")
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}
