//! The answer to whatever comes without TLS.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Answers 418 and closes so that the client can read all of it, whatever it was sending: the
/// answer goes out, our side closes, and what still arrives is read for a while. Closing with
/// unread bytes would reset the connection and take the answer with it.
pub(super) async fn pour(mut stream: TcpStream) {
    let poured = async {
        stream.write_all(TEAPOT).await?;
        stream.shutdown().await?;
        let mut rest = [0; 4096];
        let mut read = 0;
        while read < MOST {
            match timeout(SILENCE, stream.read(&mut rest)).await {
                Ok(Ok(0)) | Err(_) => break,
                Ok(Ok(count)) => read += count,
                Ok(Err(error)) => return Err(error),
            }
        }
        Ok::<_, std::io::Error>(())
    };
    if timeout(IN_ALL, poured).await.is_err() {
        tracing::debug!("a plain request went on for too long");
    }
}

const TEAPOT: &[u8] = b"HTTP/1.1 418 \r\nContent-Type: application/json\r\n\
    Content-Length: 0\r\nConnection: close\r\n\r\n";
const IN_ALL: Duration = Duration::from_secs(5);
const MOST: usize = 8 << 20;
const SILENCE: Duration = Duration::from_secs(1);
