//! The operations whose requests and answers are JSON documents.

use super::guard::guard;
use super::session::SESSIONS;
use super::text::put_required;
use super::types::{UmpinBuffer, UmpinError, UmpinSession, UmpinStr};
use crate::cmdlets;
use crate::error::{Error, Status};

/// Runs the operation that has a cmdlet's name, for example `Enable-UMMailbox` (docs/architecture.md tells the
/// documents). `secret` is the PIN of the operations that take one, absent otherwise: a PIN never stands in `request`.
/// `response` is required; free it with `umpin_buffer_free`.
///
/// # Safety
/// The texts are absent or readable; `response` and `err` are NULL or places for their types.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umpin_execute(
    session: UmpinSession,
    operation: UmpinStr,
    request: UmpinStr,
    secret: UmpinStr,
    response: *mut UmpinBuffer,
    err: *mut *mut UmpinError,
) -> i32 {
    guard(err, || {
        put_required(response, "response", UmpinBuffer::new(Vec::new()))?;
        let session = SESSIONS.get(session)?;
        let operation = operation
            .text("operation")?
            .ok_or_else(|| Error::new(Status::NullPointer, "The operation is absent. Nothing was changed."))?;
        let request = request.text("request")?.unwrap_or("{}");
        let done = cmdlets::execute(&session, operation, request.as_bytes(), secret.pin()?)?;
        put_required(response, "response", UmpinBuffer::new(done.to_json()))
    })
}
