//! Keeps strangers from sending the bridge into the network it runs in.
//!
//! Addresses in messages and profiles come from other people. A name is resolved here, and what it means is left out unless anybody on
//! the internet could reach it; so the address that is looked at is the one that is connected to. Hosts that the admin has configured
//! are exempt, since a Gitter may well run next to the bridge.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Resolves names, and forgets what nobody but us could reach.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    exempt: Arc<BTreeSet<String>>,
}

impl Guard {
    /// These addresses are the admin's own words.
    pub(crate) fn new<'a>(exempt: impl Iterator<Item = &'a Url>) -> Self {
        let hosts = exempt.filter_map(|url| url.host_str().map(str::to_lowercase));
        Self {
            exempt: Arc::new(hosts.collect()),
        }
    }

    fn keep(
        &self,
        name: &str,
        found: impl Iterator<Item = SocketAddr>,
    ) -> io::Result<Vec<SocketAddr>> {
        let exempt = self.exempt.contains(&name.to_lowercase());
        let kept: Vec<_> = found
            .filter(|address| exempt || is_public(address.ip()))
            .collect();
        if kept.is_empty() {
            return Err(io::Error::other("it leads to no address on the internet"));
        }
        Ok(kept)
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let kept = guard.keep(name.as_str(), found)?;
            Ok(Box::new(kept.into_iter()) as Addrs)
        })
    }
}

/// Whether an address of the web can be asked at all; names are looked at when they are resolved.
pub(crate) fn may_ask(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(_)) => true,
        Some(Host::Ipv4(ip)) => is_public(ip.into()),
        Some(Host::Ipv6(ip)) => is_public(ip.into()),
        None => false,
    }
}

/// Whether anybody on the internet can reach it (IANA's registries of special-purpose addresses).
pub(crate) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    match ip.octets() {
        // "This network", private, loopback; multicast, reserved, broadcast.
        [0 | 10 | 127 | 224..=255, ..] => false,
        // Behind a provider's translation of addresses.
        [100, b, ..] => !(64..=127).contains(&b),
        // Link-local, which is also where clouds tell machines their secrets; Azure has a public address for that.
        [169, b, ..] => b != 254,
        [168, b, c, d] => (b, c, d) != (63, 129, 16),
        // Private.
        [172, b, ..] => !(16..=31).contains(&b),
        // Private, assignments of the IETF, documentation, the old way to IPv6.
        [192, b, c, _] => !matches!((b, c), (168, _) | (0, 0 | 2) | (88, 99)),
        // Benchmarks, documentation.
        [198, b, c, _] => !matches!((b, c), (18 | 19, _) | (51, 100)),
        [203, b, c, _] => (b, c) != (0, 113),
        _ => true,
    }
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let at = ip.segments();
    let inner = |from: usize| {
        let [a, b] = at[from].to_be_bytes();
        let [c, d] = at[from + 1].to_be_bytes();
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match at {
        // An IPv4 address in IPv6's clothes: mapped or compatible, translated (RFC 6052), 6to4. Unspecified and loopback are
        // "compatible".
        [0, 0, 0, 0, 0, 0 | 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => inner(6),
        [0x2002, ..] => inner(1),
        // Assignments of the IETF (Teredo among them), documentation.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // All that is public is in 2000::/3: not unique local, link-local, multicast.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_internet_are_public() {
        for ip in [
            "1.1.1.1",
            "100.63.0.1",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450::1",
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
            "2002:101:101::1",
        ] {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
        for ip in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "168.63.129.16",
            "100.100.100.200",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0:127.0.0.1",
            "64:ff9b::10.0.0.1",
            "5f00::1",
            "fec0::1",
            "64:ff9b:1::1",
            "2002:7f00:1::1",
            "2002:a00:1::1",
            "2001::1",
            "2001:db8::1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "100::1",
            "4000::1",
        ] {
            assert!(!is_public(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn addresses_without_a_name_are_looked_at_before() {
        for url in [
            "https://files.example/x",
            "https://1.1.1.1/",
            "http://[2606:4700::1111]/",
        ] {
            assert!(may_ask(&url.parse().unwrap()), "{url}");
        }
        for url in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://[::1]/",
            "http://[::ffff:7f00:1]/",
            "http://169.254.169.254/latest/meta-data",
            "data:,x",
        ] {
            assert!(!may_ask(&url.parse().unwrap()), "{url}");
        }
    }

    #[test]
    fn what_the_admin_named_is_exempt_and_nothing_else() {
        let own: Url = "https://gitter.home.example/x".parse().unwrap();
        let guard = Guard::new([&own].into_iter());
        let near: SocketAddr = "192.168.1.7:0".parse().unwrap();
        let far: SocketAddr = "1.1.1.1:0".parse().unwrap();
        let keep = |name: &str, found: &[SocketAddr]| guard.keep(name, found.iter().copied()).ok();
        assert_eq!(keep("Gitter.home.example", &[near]), Some(vec![near]));
        assert_eq!(keep("evil.example", &[near]), None);
        assert_eq!(keep("evil.example", &[near, far]), Some(vec![far]));
    }

    #[tokio::test]
    async fn names_that_lead_home_are_refused() {
        let guard = Guard::new(std::iter::empty());
        let refused = guard.resolve("localhost".parse().unwrap()).await;
        assert!(refused.is_err());
        let own: Url = "http://localhost:5000".parse().unwrap();
        let guard = Guard::new([&own].into_iter());
        assert!(guard.resolve("localhost".parse().unwrap()).await.is_ok());
    }
}
