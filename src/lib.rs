//! Voice-mail PINs.
