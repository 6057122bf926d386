//! Where a node listens, as it stands in a configuration.

use std::fmt;
use std::str::FromStr;

use http::Uri;
use http::uri::Scheme;
use thiserror::Error;

/// `https://<host>:<port>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Name or address, without brackets.
    host: String,
    port: u16,
}

/// A text that is no endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an endpoint has the form https://<host>:<port>")]
pub struct EndpointError;

impl Endpoint {
    /// Name or address; an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `<host>:<port>`, an IPv6 address in brackets.
    pub fn authority(&self) -> String {
        let Self { host, port } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}", self.authority())
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let uri: Uri = text.parse().map_err(|_ignored| EndpointError)?;
        let bare = uri.path_and_query().is_none_or(|rest| matches!(rest.as_str(), "" | "/"));
        let no_user = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        if uri.scheme() != Some(&Scheme::HTTPS) || !bare || !no_user {
            return Err(EndpointError);
        }
        let host = uri.host().filter(|host| !host.is_empty()).ok_or(EndpointError)?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        Ok(Self { host: host.to_owned(), port: uri.port_u16().ok_or(EndpointError)? })
    }
}

#[cfg(test)]
mod tests {
    use super::Endpoint;

    #[test]
    fn endpoints_print_as_they_were_read() {
        for text in ["https://127.0.0.1:7401", "https://[::1]:7401", "https://node.example:1"] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), text);
        }
        let v6: Endpoint = "https://[::1]:7401/".parse().unwrap();
        assert_eq!((v6.host(), v6.port()), ("::1", 7401));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "127.0.0.1:7401",
            "http://127.0.0.1:7401",
            "https://127.0.0.1",
            "https://127.0.0.1:99999",
            "https://:7401",
            "https://a@b:7401",
            "https://b:7401/path",
            "https://b:7401?x=1",
        ] {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
    }
}
