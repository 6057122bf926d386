//! What the process says on stderr: constant words with fields, never content.

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{Log, LogFormat};

/// Sets logging up for this process, once. A second call changes nothing.
pub fn init(log: &Log) {
    let level = Level::from(log.level);
    // Libraries speak of their own insides below warnings.
    let filter = Targets::new().with_default(level.min(Level::WARN)).with_target("barid", level);
    let registry = tracing_subscriber::registry().with(filter);
    let layer = fmt::layer().with_writer(std::io::stderr).with_target(true);
    let set = match log.format {
        LogFormat::Text => registry.with(layer.with_ansi(false)).try_init(),
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).try_init(),
    };
    // An error means that logging was set up before.
    drop(set);
}
