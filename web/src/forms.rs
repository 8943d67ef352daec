//! Forms: read once they are known to come from a page of ours.

use std::fmt;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRef, FromRequest, FromRequestParts, Request};
use axum::http::header;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, de};
use subtle::ConstantTimeEq;
use umpin::pin::Pin;
use zeroize::Zeroize;

use crate::app::App;
use crate::failure::Failure;
use crate::identity::Visitor;

/// A form that carries the session's token.
pub(crate) trait Form: DeserializeOwned {
    /// The token that came with it.
    fn csrf(&self) -> &str;
}

/// A form without fields of its own.
#[derive(Deserialize)]
pub(crate) struct Confirmed {
    csrf: String,
    /// Which change is confirmed.
    #[serde(default)]
    pub id: String,
}

impl Form for Confirmed {
    fn csrf(&self) -> &str {
        &self.csrf
    }
}

/// A request that changes something: of this visitor, with this form, from a page of ours.
pub(crate) struct Posted<T> {
    pub visitor: Visitor,
    pub form: T,
}

impl<S, T> FromRequest<S> for Posted<T>
where
    S: Send + Sync,
    T: Form,
    Arc<App>: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, state).await?;
        let person = &visitor.person;
        let refused = |why: &str| Failure::Forged(format!("{why}, as {} on {}", person.name, parts.uri.path()));
        // A browser says where a form came from. The token below is what counts; this also stops what steals one.
        if let Some(origin) = parts.headers.get(header::ORIGIN)
            && origin.as_bytes() != visitor.app.configuration.origin().as_bytes()
        {
            return Err(refused("it came from another site"));
        }
        let form = Request::from_parts(parts.clone(), body);
        let body = Bytes::from_request(form, state).await.map_err(|e| Failure::Http(e.status()))?;
        let form: T = serde_html_form(&body).map_err(|()| refused("it is not whole"))?;
        let same: bool = form.csrf().as_bytes().ct_eq(person.csrf.as_bytes()).into();
        if !same {
            return Err(refused("its token is not the session's"));
        }
        Ok(Self { visitor, form })
    }
}

/// The fields of a body. Its content type is not looked at: the token in it is what counts.
fn serde_html_form<T: DeserializeOwned>(body: &[u8]) -> Result<T, ()> {
    let pairs = openidconnect::url::form_urlencoded::parse(body);
    let fields = pairs.map(|(name, value)| (name, Field(value.into_owned())));
    T::deserialize(de::value::MapDeserializer::<_, de::value::Error>::new(fields)).map_err(drop)
}

/// One value of a form.
struct Field(String);

impl<'de> de::IntoDeserializer<'de, de::value::Error> for Field {
    type Deserializer = FieldDeserializer;

    fn into_deserializer(self) -> FieldDeserializer {
        FieldDeserializer(self.0)
    }
}

struct FieldDeserializer(String);

impl<'de> Deserializer<'de> for FieldDeserializer {
    type Error = de::value::Error;

    fn deserialize_any<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_string(self.0)
    }

    fn deserialize_option<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_some(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// A PIN as it was typed. The text it came in is wiped.
#[derive(Default)]
pub(crate) struct TypedPin(Option<Pin>);

impl TypedPin {
    /// `None` where the field was empty or absent.
    pub(crate) fn pin(&self) -> Option<&Pin> {
        self.0.as_ref()
    }

    pub(crate) fn into_pin(self) -> Option<Pin> {
        self.0
    }

    /// Whether both fields hold the same.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(two)) => one.is_same_as(two),
            (one, two) => one.is_none() && two.is_none(),
        }
    }
}

impl<'de> Deserialize<'de> for TypedPin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut text = String::deserialize(deserializer)?;
        let pin = (!text.is_empty()).then(|| Pin::new(text.trim()));
        text.zeroize();
        Ok(Self(pin))
    }
}

impl fmt::Debug for TypedPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TypedPin")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[derive(Deserialize)]
    struct Sample {
        csrf: String,
        #[serde(default)]
        pin: TypedPin,
        expired: Option<String>,
    }

    #[test]
    fn fields_are_read_as_browsers_write_them() {
        let read: Sample = serde_html_form(b"csrf=a%2Bb+c&pin=0123&expired=on&other=1").unwrap();
        assert_eq!(read.csrf, "a+b c");
        assert!(read.pin.pin().unwrap().is_same_as(&Pin::new("0123")));
        assert_eq!(read.expired.as_deref(), Some("on"));
        let bare: Sample = serde_html_form(b"csrf=x&pin=").unwrap();
        assert!(bare.pin.pin().is_none() && bare.expired.is_none());
        assert!(serde_html_form::<Sample>(b"pin=1").is_err());
        assert!(serde_html_form::<Sample>(b"csrf=1&csrf=2").is_err());
    }

    #[test]
    fn a_typed_pin_shows_nothing() {
        let read: Sample = serde_html_form(b"csrf=x&pin=839274").unwrap();
        assert!(!format!("{:?}", read.pin).contains("839274"));
    }
}
