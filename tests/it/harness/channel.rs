//! Connections below the client: stubs, and bytes as they are.

use barid_link::tls::{Connector, ConnectorConfig};
use prost::bytes::{Buf as _, BufMut as _, Bytes};
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, Endpoint, Uri};

/// Bytes of metadata that an answer may have: faults travel in it.
const METADATA_BYTES_MAX: u32 = 64 * 1024;

/// A channel to the node, made by the first call.
pub(crate) fn channel(config: ConnectorConfig) -> Channel {
    let connector = Connector::new(config).expect("files that init made");
    let uri = |scheme: &str| {
        let text = format!("{scheme}://{}", connector.endpoint().authority());
        text.parse::<Uri>().expect("an authority")
    };
    // Of scheme http for tonic alone, which wants https over its own TLS.
    let endpoint = Endpoint::from(uri("http"))
        .origin(uri("https"))
        .http2_max_header_list_size(METADATA_BYTES_MAX);
    let connect = connector.clone();
    endpoint.connect_with_connector_lazy(tower::service_fn(move |_uri: Uri| {
        let connector = connect.clone();
        async move { connector.connect().await }
    }))
}

/// Takes bytes for messages as they are.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BytesCodec;

impl Codec for BytesCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for BytesCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for BytesCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        let length = buffer.remaining();
        Ok(Some(buffer.copy_to_bytes(length)))
    }
}
