//! Signing in by OpenID Connect: the authorization code flow with PKCE, state and nonce (OpenID Connect Core 1.0,
//! RFC 7636). There is one issuer alone, so no answer can be mixed up with another one's (RFC 9207).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreResponseType, CoreRevocableToken,
    CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AdditionalClaims, AuthenticationFlow, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken,
    EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, IdTokenFields, IssuerUrl, LogoutRequest,
    Nonce, PkceCodeChallenge, PkceCodeVerifier, PostLogoutRedirectUrl, ProviderMetadataWithLogout, RedirectUrl, Scope,
    StandardErrorResponse, StandardTokenResponse,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::configuration::OpenIdSettings;
use crate::failure::Failure;
use crate::log;

/// How long the provider's document and keys are used before they are asked for again.
const KNOWN_FOR: Duration = Duration::from_secs(10 * 60);
/// How long a provider that did not answer is left alone, so that a flood of sign-ins does not reach it.
const ASK_AGAIN: Duration = Duration::from_secs(5);
/// How long an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Every claim beyond the standard ones.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct OtherClaims(HashMap<String, Value>);

impl AdditionalClaims for OtherClaims {}

type TokenResponse = StandardTokenResponse<
    IdTokenFields<
        OtherClaims,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;

type OpenIdClient = Client<
    OtherClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    TokenResponse,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// What the provider's answer must fit.
pub(crate) struct Started {
    state: CsrfToken,
    nonce: Nonce,
    verifier: PkceCodeVerifier,
    /// The page that was wanted: a path of ours.
    pub wanted: String,
}

/// Somebody whom the provider vouches for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Vouched {
    /// The claim that names the mailbox.
    pub name: String,
    /// The claim that lists groups.
    pub groups: Vec<String>,
}

/// The one provider.
pub(crate) struct Provider {
    settings: OpenIdSettings,
    origin: String,
    secret: Option<ClientSecret>,
    http: reqwest::Client,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    document: Option<Arc<ProviderMetadataWithLogout>>,
    asked: Option<Instant>,
    failed: Option<String>,
}

impl Provider {
    pub(crate) fn new(settings: OpenIdSettings, origin: &str) -> Result<Self, String> {
        let secret = settings.client_secret()?.map(ClientSecret::new);
        let http = reqwest::Client::builder()
            // A provider's answer never sends us elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .timeout(ANSWER_WITHIN)
            .build()
            .map_err(|e| format!("no client for the identity provider: {}. Nothing was started.", log::chain(&e)))?;
        Ok(Self { settings, origin: origin.to_owned(), secret, http, known: Mutex::default() })
    }

    /// The provider's document, asked for anew where it is old. One request asks; the others wait for it.
    async fn document(&self, older_than: Duration) -> Result<Arc<ProviderMetadataWithLogout>, Failure> {
        let mut known = self.known.lock().await;
        let age = known.asked.map(|asked| asked.elapsed());
        if let (Some(document), Some(age)) = (&known.document, age)
            && age < older_than
        {
            return Ok(Arc::clone(document));
        }
        if let (Some(why), Some(age)) = (&known.failed, age)
            && age < ASK_AGAIN
        {
            return Err(Failure::Provider(why.clone()));
        }
        let issuer = IssuerUrl::new(self.settings.issuer.clone()).map_err(|e| Failure::Provider(e.to_string()))?;
        let found = ProviderMetadataWithLogout::discover_async(issuer, &self.http).await;
        known.asked = Some(Instant::now());
        match found {
            Ok(document) => {
                let document = Arc::new(document);
                *known = Known { document: Some(Arc::clone(&document)), asked: known.asked, failed: None };
                Ok(document)
            }
            Err(e) => {
                let why = format!("{}: {}", self.settings.issuer, log::chain(&e));
                *known = Known { document: None, asked: known.asked, failed: Some(why.clone()) };
                Err(Failure::Provider(why))
            }
        }
    }

    async fn client(&self, older_than: Duration) -> Result<OpenIdClient, Failure> {
        let document = self.document(older_than).await?;
        let back = RedirectUrl::new(format!("{}/sign-in/return", self.origin))
            .map_err(|e| Failure::Provider(e.to_string()))?;
        let id = ClientId::new(self.settings.client_id.clone());
        Ok(OpenIdClient::from_provider_metadata((*document).clone(), id, self.secret.clone()).set_redirect_uri(back))
    }

    /// Whether the provider answers; for /healthz.
    pub(crate) async fn check(&self) -> Result<(), Failure> {
        self.document(KNOWN_FOR).await.map(drop)
    }

    /// Where to send the browser, and what its return must fit.
    pub(crate) async fn start(&self, wanted: String) -> Result<(String, Started), Failure> {
        let client = self.client(KNOWN_FOR).await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (address, state, nonce) = client
            .authorize_url(
                AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scopes(self.settings.scopes.iter().cloned().map(Scope::new))
            .set_pkce_challenge(challenge)
            .url();
        Ok((address.to_string(), Started { state, nonce, verifier, wanted }))
    }

    /// Trades the code for an ID token and checks that: signature, issuer, audience, times, nonce.
    pub(crate) async fn finish(&self, started: Started, state: &str, code: String) -> Result<Vouched, Failure> {
        let fits: bool = subtle::ConstantTimeEq::ct_eq(started.state.secret().as_bytes(), state.as_bytes()).into();
        if !fits {
            return Err(Failure::SignIn("the state is not the one that this browser was sent with".into()));
        }
        let mut client = self.client(KNOWN_FOR).await?;
        let answer = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|e| Failure::Provider(log::chain(&e)))?
            .set_pkce_verifier(started.verifier)
            .request_async(&self.http)
            .await
            .map_err(|e| match &e {
                openidconnect::RequestTokenError::Request(_) => Failure::Provider(log::chain(&e)),
                _ => Failure::SignIn(log::chain(&e)),
            })?;
        let token = openidconnect::TokenResponse::id_token(&answer)
            .ok_or_else(|| Failure::SignIn("the provider sent no ID token".into()))?;
        let mut checked = token.claims(&verifier(&client), &started.nonce);
        if matches!(&checked, Err(openidconnect::ClaimsVerificationError::SignatureVerification(_))) {
            // The provider may have changed its keys.
            client = self.client(ASK_AGAIN).await?;
            checked = token.claims(&verifier(&client), &started.nonce);
        }
        let claims = checked.map_err(|e| Failure::SignIn(log::chain(&e)))?;
        let claims = serde_json::to_value(claims).map_err(|e| Failure::SignIn(e.to_string()))?;
        vouched(&claims, &self.settings).map_err(Failure::SignIn)
    }

    /// Where to sign out at the provider, if it says so. Asks nobody.
    pub(crate) async fn sign_out_address(&self) -> Option<String> {
        let document = self.known.lock().await.document.clone()?;
        let end = document.additional_metadata().end_session_endpoint.clone()?;
        let back = PostLogoutRedirectUrl::new(format!("{}/signed-out", self.origin)).ok()?;
        let request = LogoutRequest::from(end)
            .set_client_id(ClientId::new(self.settings.client_id.clone()))
            .set_post_logout_redirect_uri(back);
        Some(request.http_get_url().to_string())
    }
}

/// Signatures by the provider's own keys alone: never `none`, never one made with the secret that both sides know.
fn verifier(client: &OpenIdClient) -> openidconnect::IdTokenVerifier<'_, CoreJsonWebKey> {
    client.id_token_verifier().set_allowed_algs([
        CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
        CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
        CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
        CoreJwsSigningAlgorithm::RsaSsaPssSha256,
        CoreJwsSigningAlgorithm::RsaSsaPssSha384,
        CoreJwsSigningAlgorithm::RsaSsaPssSha512,
        CoreJwsSigningAlgorithm::EcdsaP256Sha256,
        CoreJwsSigningAlgorithm::EcdsaP384Sha384,
        CoreJwsSigningAlgorithm::EdDsa,
    ])
}

/// Name and groups out of claims that are believed.
fn vouched(claims: &Value, settings: &OpenIdSettings) -> Result<Vouched, String> {
    let name = claims.get(&settings.mailbox_claim).and_then(Value::as_str).map(str::trim).unwrap_or_default();
    if name.is_empty() {
        return Err(format!("the ID token has no claim '{}', which is to name the mailbox", settings.mailbox_claim));
    }
    // Where people may write any address into their account, only a verified one names a mailbox.
    if settings.mailbox_claim == "email" && claims.get("email_verified") == Some(&Value::Bool(false)) {
        return Err("the address in the claim 'email' is not verified".into());
    }
    let groups = match claims.get(&settings.groups_claim) {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(one)) => vec![one.clone()],
        _ => Vec::new(),
    };
    Ok(Vouched { name: name.to_owned(), groups })
}

/// Bytes of a path to come back to. A look-up is shorter; whoever is nobody yet must not fill the memory with them.
const LONGEST_PATH: usize = 2048;

/// A path of ours to come back to; whatever could lead elsewhere is the first page instead.
pub(crate) fn own_path(wanted: &str) -> String {
    let plain = wanted.len() <= LONGEST_PATH
        && wanted.starts_with('/')
        && !wanted.starts_with("//")
        && wanted.chars().all(|c| c.is_ascii_graphic() && c != '\\')
        && !wanted.starts_with("/sign-in");
    if plain { wanted.to_owned() } else { "/".to_owned() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_a_path_of_ours_is_come_back_to() {
        for good in ["/", "/my", "/people?q=a%20b", "/people/x/reset"] {
            assert_eq!(own_path(good), good);
        }
        for bad in [
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil",
            "javascript:alert(1)",
            "",
            "my",
            "/a\r\nSet-Cookie: x=y",
            "/sign-in?next=/",
            "/ x",
            &format!("/{}", "a".repeat(LONGEST_PATH)),
        ] {
            assert_eq!(own_path(bad), "/", "{bad}");
        }
    }

    #[test]
    fn name_and_groups_come_from_the_claims_that_are_configured() {
        let settings: OpenIdSettings = toml::from_str("issuer = 'https://i'\nclient_id = 'c'\n").unwrap();
        let read = |claims: Value| vouched(&claims, &settings);
        let told = read(serde_json::json!({"preferred_username": " tony ", "groups": ["a", 1, "b"]})).unwrap();
        assert_eq!(told, Vouched { name: "tony".into(), groups: vec!["a".into(), "b".into()] });
        assert_eq!(read(serde_json::json!({"preferred_username": "t", "groups": "a"})).unwrap().groups, ["a"]);
        assert!(read(serde_json::json!({"sub": "tony"})).is_err());
        let by_email = OpenIdSettings { mailbox_claim: "email".into(), ..settings.clone() };
        assert!(vouched(&serde_json::json!({"email": "a@b", "email_verified": false}), &by_email).is_err());
        assert!(vouched(&serde_json::json!({"email": "a@b", "email_verified": true}), &by_email).is_ok());
    }
}
