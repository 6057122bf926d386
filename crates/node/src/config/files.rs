//! The files that a configuration names: read whole, secrets only while nobody
//! else can read them.

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use barid_message::key::{KeyError, SigningKey};
use zeroize::Zeroizing;

use super::{Evidence, Tls};

/// Largest certificate, key or revocation file, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// The permission bits of everyone but the owner.
const OTHERS: u32 = 0o077;

/// Why a file that a configuration names cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It does not exist.
    #[error("{key} names {}, which does not exist; put the file there or correct the path", path.display())]
    Missing {
        /// The key in the configuration.
        key: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error("cannot read {}, which {key} names: {cause}; let the node's user read it", path.display())]
    Unreadable {
        /// The key in the configuration.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// It is a folder or a device, or larger than 1 MiB.
    #[error("{}, which {key} names, is no file of that kind; correct the path", path.display())]
    NotPem {
        /// The key in the configuration.
        key: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// A secret that others on this machine may read or change.
    #[error("others may read the secret key {} (mode {mode:04o}); run: chmod 600 {}", path.display(), path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A secret stands where backups of the data would take it along.
    #[error("the key {} lies in the data folder {}, where a backup would copy it; keep keys elsewhere", path.display(), data.display())]
    InsideData {
        /// The key file, links followed.
        path: PathBuf,
        /// The data folder, links followed.
        data: PathBuf,
    },
    /// A key of another algorithm.
    #[error("{}, which {key} names, is no Ed25519 key; make one with `openssl genpkey -algorithm ed25519`", path.display())]
    NotEd25519 {
        /// The key in the configuration.
        key: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// One key for two uses: a signature of the one could pass for the other.
    #[error("{} holds the same key as {}; give each use a key of its own", path.display(), other.display())]
    SharedKey {
        /// The file.
        path: PathBuf,
        /// The other file.
        other: PathBuf,
    },
    /// Not a key that evidence can be signed with.
    #[error("{} is no signing key: {cause}; name an unencrypted PKCS#8 PEM of Ed25519 or P-256", path.display())]
    SigningKey {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: KeyError,
    },
}

/// The files of `[tls]`, as read at one moment.
pub struct TlsMaterial {
    /// The node's certificate chain, PEM.
    pub certificate: Vec<u8>,
    /// Its private key, PEM.
    pub key: Zeroizing<Vec<u8>>,
    /// CA certificates that client certificates must chain to, PEM.
    pub client_ca: Vec<u8>,
    /// Revocation lists, PEM, each file on its own.
    pub crl: Vec<Vec<u8>>,
}

impl Tls {
    /// Reads all files of the section; again for new certificates.
    ///
    /// # Errors
    /// The first file that is missing, unreadable, or a secret open to others.
    pub fn read(&self) -> Result<TlsMaterial, FileError> {
        Ok(TlsMaterial {
            certificate: read_file("tls.certificate", &self.certificate)?,
            key: read_secret("tls.key", &self.key)?,
            client_ca: read_file("tls.client_ca", &self.client_ca)?,
            crl: self
                .crl
                .iter()
                .map(|path| read_file("tls.crl", path))
                .collect::<Result<_, _>>()?,
        })
    }
}

impl Evidence {
    /// Reads the key that signs evidence.
    ///
    /// # Errors
    /// The file is missing, unreadable, open to others, or no signing key.
    pub fn read(&self) -> Result<SigningKey, FileError> {
        read_signing_key("evidence.key", &self.key)
    }
}

/// Reads a private key that signs, PKCS#8 PEM.
pub(super) fn read_signing_key(key: &'static str, path: &Path) -> Result<SigningKey, FileError> {
    let pem = read_secret(key, path)?;
    let text = str::from_utf8(&pem)
        .map_err(|_not_text| FileError::NotPem { key, path: path.to_path_buf() })?;
    SigningKey::from_pem(text)
        .map_err(|cause| FileError::SigningKey { path: path.to_path_buf(), cause })
}

/// Reads the card of a peer; what is not text will be no card either.
pub(super) fn read_card(path: &Path) -> Result<String, FileError> {
    Ok(String::from_utf8_lossy(&read_file("peer.card", path)?).into_owned())
}

/// Refuses a key that lies in the data folder once links are followed. A data
/// folder that does not exist yet holds nothing.
pub(super) fn outside(data: &Path, key: &Path) -> Result<(), FileError> {
    let (Ok(data), Ok(path)) = (data.canonicalize(), key.canonicalize()) else {
        return Ok(());
    };
    if path.starts_with(&data) {
        return Err(FileError::InsideData { path, data });
    }
    Ok(())
}

fn read_file(key: &'static str, path: &Path) -> Result<Vec<u8>, FileError> {
    let (file, _mode) = open(key, path)?;
    read_all(key, path, file)
}

/// The permissions are those of the opened file, so that it cannot be changed
/// for another between look and read.
fn read_secret(key: &'static str, path: &Path) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let (file, mode) = open(key, path)?;
    if mode & OTHERS != 0 {
        return Err(FileError::Exposed { path: path.to_path_buf(), mode });
    }
    read_all(key, path, file).map(Zeroizing::new)
}

fn open(key: &'static str, path: &Path) -> Result<(File, u32), FileError> {
    let failed = |cause: io::Error| match cause.kind() {
        io::ErrorKind::NotFound => FileError::Missing { key, path: path.to_path_buf() },
        _ => FileError::Unreadable { key, path: path.to_path_buf(), cause },
    };
    let file = File::open(path).map_err(failed)?;
    let facts = file.metadata().map_err(failed)?;
    if !facts.is_file() || facts.len() > FILE_BYTES_MAX {
        return Err(FileError::NotPem { key, path: path.to_path_buf() });
    }
    Ok((file, facts.permissions().mode() & 0o7777))
}

fn read_all(key: &'static str, path: &Path, file: File) -> Result<Vec<u8>, FileError> {
    // Room for all of it at once: a buffer that grows leaves copies of a secret behind.
    let mut bytes = Vec::with_capacity(64 * 1024);
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(|cause| FileError::Unreadable {
        key,
        path: path.to_path_buf(),
        cause,
    })?;
    Ok(bytes)
}
