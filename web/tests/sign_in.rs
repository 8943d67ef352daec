//! Signing in by OpenID Connect, against a provider of the test's own that can lie.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/page.rs"]
mod page;
#[path = "../../tests/integration/support/mod.rs"]
mod umpin_support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use openidconnect::core::{CoreHmacKey, CoreJwsSigningAlgorithm, CoreRsaPrivateSigningKey};
use openidconnect::{JsonWebKeyId, PrivateSigningKey};
use page::{DESK, Page, Reply, encoded, store};
use rsa::pkcs1::EncodeRsaPrivateKey;
use serde_json::{Value, json};

const SECRET: &str = "a secret that both sides know";

fn new_key() -> CoreRsaPrivateSigningKey {
    let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
    let pem = key.to_pkcs1_pem(Default::default()).unwrap();
    CoreRsaPrivateSigningKey::from_pem(&pem, Some(JsonWebKeyId::new("key".into()))).unwrap()
}

/// Making one takes a moment.
fn key() -> &'static CoreRsaPrivateSigningKey {
    static KEY: OnceLock<CoreRsaPrivateSigningKey> = OnceLock::new();
    KEY.get_or_init(new_key)
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for part in bytes.chunks(3) {
        let all = part.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - part.len()));
        out.extend((0..=part.len()).map(|n| char::from(LETTERS[(all >> (18 - 6 * n) & 63) as usize])));
    }
    out
}

fn signed(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let text = format!("{}.{}", base64(header.to_string().as_bytes()), base64(claims.to_string().as_bytes()));
    format!("{text}.{}", base64(&sign(text.as_bytes())))
}

fn by_rsa(key: &'static CoreRsaPrivateSigningKey) -> impl Fn(&[u8]) -> Vec<u8> {
    move |bytes| key.sign(&CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256, bytes).unwrap()
}

fn rs256() -> Value {
    json!({"alg": "RS256", "kid": "key", "typ": "JWT"})
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A provider on loopback: it answers what the test put there, and keeps what it was asked.
struct Provider {
    address: String,
    token: Arc<Mutex<String>>,
    asked: Arc<Mutex<Vec<String>>>,
    gone: Arc<AtomicBool>,
}

impl Provider {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (token, asked) = (Arc::new(Mutex::new(String::new())), Arc::new(Mutex::new(Vec::new())));
        let gone = Arc::new(AtomicBool::new(false));
        let provider = Self { address: address.clone(), token, asked, gone };
        let (token, asked, gone) = (provider.token.clone(), provider.asked.clone(), provider.gone.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                if gone.load(Ordering::SeqCst) {
                    continue;
                }
                let mut lines = BufReader::new(stream.try_clone().unwrap());
                let (mut head, mut length) = (String::new(), 0);
                loop {
                    let mut line = String::new();
                    if lines.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
                        break;
                    }
                    if let Some(n) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                        length = n.trim().parse().unwrap();
                    }
                    head.push_str(&line);
                }
                let mut body = vec![0; length];
                lines.read_exact(&mut body).unwrap();
                let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                let answer = match path.as_str() {
                    "/.well-known/openid-configuration" => json!({
                        "issuer": address,
                        "authorization_endpoint": format!("{address}/authorize"),
                        "token_endpoint": format!("{address}/token"),
                        "jwks_uri": format!("{address}/keys"),
                        "end_session_endpoint": format!("{address}/end"),
                        "response_types_supported": ["code"],
                        "subject_types_supported": ["public"],
                        "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
                    }),
                    "/keys" => json!({"keys": [key().as_verification_key()]}),
                    _ => {
                        asked.lock().unwrap().push(format!("{head}\n{}", String::from_utf8(body).unwrap()));
                        let token = token.lock().unwrap().clone();
                        json!({"access_token": "a", "token_type": "Bearer", "expires_in": 60, "id_token": token})
                    }
                }
                .to_string();
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: \
                     close\r\n\r\n{answer}",
                    answer.len()
                );
            }
        });
        provider
    }

    fn openid(&self, store: &std::path::Path) -> String {
        let secret = store.join("web.secret");
        std::fs::write(&secret, format!("{SECRET}\n")).unwrap();
        format!(
            "[openid]\nissuer = '{}'\nclient_id = 'page'\nclient_secret_file = '{}'\n",
            self.address,
            secret.display()
        )
    }

    fn claims(&self, nonce: &str) -> Value {
        json!({
            "iss": self.address, "aud": "page", "sub": "42", "nonce": nonce, "iat": now(), "exp": now() + 300,
            "preferred_username": "user0@contoso.com", "groups": [DESK],
        })
    }

    fn answers(&self, token: String) {
        *self.token.lock().unwrap() = token;
    }
}

/// A browser on its way to the provider.
struct Journey {
    cookie: String,
    state: String,
    nonce: String,
    address: String,
}

fn parameter(address: &str, name: &str) -> String {
    openidconnect::url::Url::parse(address)
        .unwrap()
        .query_pairs()
        .find(|(n, _)| n == name)
        .map(|(_, value)| value.into_owned())
        .unwrap_or_else(|| panic!("no {name} in {address}"))
}

fn set_off(page: &Page, next: &str) -> Journey {
    let reply = page.get(&format!("/sign-in?next={}", encoded(next)), &[]);
    assert_eq!(reply.status, 303, "{}", reply.body);
    let address = reply.location().to_owned();
    let cookie = reply.cookies()[0].split(';').next().unwrap().to_owned();
    Journey { state: parameter(&address, "state"), nonce: parameter(&address, "nonce"), cookie, address }
}

impl Journey {
    fn come_back(&self, page: &Page, more: &[&str]) -> Reply {
        let cookie = format!("Cookie: {}", self.cookie);
        let lines: Vec<&str> = [cookie.as_str()].into_iter().chain(more.iter().copied()).collect();
        page.get(&format!("/sign-in/return?code=c0de&state={}", encoded(&self.state)), &lines)
    }
}

/// The cookie of the session that began, if one did.
fn session(reply: &Reply) -> Option<String> {
    let pair = reply.cookies().into_iter().find(|c| c.starts_with("__Host-umpin="))?;
    Some(format!("Cookie: {}", pair.split(';').next().unwrap()))
}

fn signed_in(page: &Page, provider: &Provider) -> String {
    let journey = set_off(page, "/my");
    provider.answers(signed(&rs256(), &provider.claims(&journey.nonce), by_rsa(key())));
    session(&journey.come_back(page, &[])).unwrap()
}

#[test]
fn the_provider_vouches_and_a_strict_session_begins_and_ends() {
    let f = store(1);
    let provider = Provider::start();
    let page = Page::with_provider(&f, &provider.openid(f.folder.path()));
    let away = page.get("/people?q=user0", &[]);
    assert_eq!(away.location(), "/sign-in?next=%2Fpeople%3Fq%3Duser0");
    let journey = set_off(&page, "/people?q=user0");
    assert!(journey.address.starts_with(&format!("{}/authorize?", provider.address)));
    assert_eq!(parameter(&journey.address, "code_challenge_method"), "S256");
    assert_eq!(parameter(&journey.address, "redirect_uri"), format!("{}/sign-in/return", page::URL));
    provider.answers(signed(&rs256(), &provider.claims(&journey.nonce), by_rsa(key())));
    let back = journey.come_back(&page, &[]);
    assert_eq!((back.status, back.location()), (303, "/people?q=user0"), "{}", page.log());
    for cookie in back.cookies() {
        for part in ["; Path=/", "; Secure", "; HttpOnly", "; SameSite=Lax"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        assert!(cookie.starts_with("__Host-") && !cookie.contains("Domain"), "{cookie}");
    }
    // The code was traded with the verifier that fits the challenge, and with the secret.
    let asked = provider.asked.lock().unwrap().join("\n");
    assert!(
        asked.contains("code_verifier=") && asked.contains("code=c0de") && asked.contains("Authorization: Basic")
            || asked.contains("authorization: Basic"),
        "{asked}"
    );
    let cookie = session(&back).unwrap();
    assert_eq!(page.get("/my", &[&cookie]).status, 200);
    assert!(page.get("/people", &[&cookie]).status == 200, "the group opens the help desk");
    let csrf = page.get("/my/reset", &[&cookie]).field("csrf");
    let out = page.post("/sign-out", &[&cookie], &[("csrf", &csrf)]);
    assert_eq!(out.location(), "/signed-out");
    assert!(out.cookies()[0].contains("Max-Age=0"));
    assert_eq!(page.get("/my", &[&cookie]).status, 303, "ended on the server, not in the browser alone");
    assert!(page.get("/signed-out", &[]).body.contains(&format!("{}/end?", provider.address)));
}

#[test]
fn a_token_that_is_forged_foreign_old_or_for_another_signs_nobody_in() {
    let f = store(1);
    let provider = Provider::start();
    let page = Page::with_provider(&f, &provider.openid(f.folder.path()));
    static OTHER: OnceLock<CoreRsaPrivateSigningKey> = OnceLock::new();
    let other = OTHER.get_or_init(new_key);
    let with = |nonce: &str, name: &str, value: Value| {
        let mut claims = provider.claims(nonce);
        claims[name] = value;
        signed(&rs256(), &claims, by_rsa(key()))
    };
    let by_secret =
        |bytes: &[u8]| CoreHmacKey::new(SECRET.to_owned()).sign(&CoreJwsSigningAlgorithm::HmacSha256, bytes).unwrap();
    type Forge<'a> = Box<dyn Fn(&str) -> String + 'a>;
    let forgeries: Vec<(&str, Forge<'_>)> = vec![
        ("another key", Box::new(|n| signed(&rs256(), &provider.claims(n), by_rsa(other)))),
        ("no signature", Box::new(|n| signed(&json!({"alg": "none"}), &provider.claims(n), |_| Vec::new()))),
        ("the shared secret", Box::new(|n| signed(&json!({"alg": "HS256"}), &provider.claims(n), by_secret))),
        ("another audience", Box::new(|n| with(n, "aud", json!("another page")))),
        ("one more audience", Box::new(|n| with(n, "aud", json!(["page", "another page"])))),
        ("another issuer", Box::new(|n| with(n, "iss", json!("https://evil.example")))),
        ("expired", Box::new(|n| with(n, "exp", json!(now() - 3600)))),
        ("another's nonce", Box::new(|n| with(n, "nonce", json!("replayed")))),
        ("no nonce", Box::new(|n| with(n, "nonce", Value::Null))),
        ("no name", Box::new(|n| with(n, "preferred_username", Value::Null))),
        ("no token", Box::new(|_| String::new())),
        (
            "changed after it was signed",
            Box::new(|n| {
                let good = signed(&rs256(), &provider.claims(n), by_rsa(key()));
                let parts: Vec<&str> = good.split('.').collect();
                let mut claims = provider.claims(n);
                claims["preferred_username"] = json!("admin@contoso.com");
                format!("{}.{}.{}", parts[0], base64(claims.to_string().as_bytes()), parts[2])
            }),
        ),
    ];
    for (what, forge) in forgeries {
        let journey = set_off(&page, "/my");
        provider.answers(forge(&journey.nonce));
        let back = journey.come_back(&page, &[]);
        assert_eq!(back.status, 400, "{what}: {}", back.body);
        assert!(session(&back).is_none(), "{what}");
        assert!(back.body.contains("The sign-in failed") && !back.body.contains(&provider.address), "{what}");
    }
    page.log_with_times("a sign-in was refused", 11);
    let journey = set_off(&page, "/my");
    provider.answers(signed(&rs256(), &provider.claims(&journey.nonce), by_rsa(key())));
    assert!(session(&journey.come_back(&page, &[])).is_some(), "the same with a good one");
}

#[test]
fn an_answer_is_good_for_one_sign_in_of_the_browser_that_began_it() {
    let f = store(1);
    let provider = Provider::start();
    let page = Page::with_provider(&f, &provider.openid(f.folder.path()));
    let journey = set_off(&page, "/my");
    provider.answers(signed(&rs256(), &provider.claims(&journey.nonce), by_rsa(key())));
    // Somebody else's browser, made to follow the link (login CSRF), with and without a journey of its own.
    let path = format!("/sign-in/return?code=c0de&state={}", encoded(&journey.state));
    assert_eq!(page.get(&path, &[]).status, 400);
    let other = set_off(&page, "/my");
    assert_eq!(page.get(&path, &[&format!("Cookie: {}", other.cookie)]).status, 400);
    assert!(provider.asked.lock().unwrap().is_empty(), "no code was traded for them");
    assert!(session(&journey.come_back(&page, &[])).is_some());
    assert_eq!(journey.come_back(&page, &[]).status, 400, "a replay");
    let refused = set_off(&page, "/my");
    let denied = format!("/sign-in/return?error=access_denied&state={}", encoded(&refused.state));
    assert_eq!(page.get(&denied, &[&format!("Cookie: {}", refused.cookie)]).status, 400);
}

#[test]
fn a_session_that_was_planted_before_the_sign_in_is_not_taken_over() {
    let f = store(1);
    let provider = Provider::start();
    let page = Page::with_provider(&f, &provider.openid(f.folder.path()));
    let attackers = signed_in(&page, &provider);
    let planted = "__Host-umpin=0000000000000000000000000000000000000000000000000000000000000000";
    for cookie in [planted, attackers.strip_prefix("Cookie: ").unwrap()] {
        let journey = set_off(&page, "/my");
        provider.answers(signed(&rs256(), &provider.claims(&journey.nonce), by_rsa(key())));
        let back = journey.come_back(&page, &[&format!("Cookie: {cookie}")]);
        let new = session(&back).unwrap();
        assert!(!new.contains(cookie), "a new name");
        assert_eq!(page.get("/my", &[&format!("Cookie: {cookie}")]).status, 303, "the old one opens nothing");
        assert_eq!(page.get("/my", &[&new]).status, 200);
    }
}

#[test]
fn nobody_is_sent_elsewhere() {
    let f = store(1);
    let provider = Provider::start();
    let page = Page::with_provider(&f, &provider.openid(f.folder.path()));
    for next in ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\r\nX: y"] {
        let journey = set_off(&page, next);
        provider.answers(signed(&rs256(), &provider.claims(&journey.nonce), by_rsa(key())));
        assert_eq!(journey.come_back(&page, &[]).location(), "/", "{next:?}");
    }
    let odd = page.get("//evil.example/people", &[]);
    assert!(odd.status == 404 || odd.location().starts_with("/sign-in"), "{} {}", odd.status, odd.location());
}

#[test]
fn a_header_signs_nobody_in_where_the_provider_does() {
    let f = store(1);
    let provider = Provider::start();
    let page = Page::with_provider(&f, &provider.openid(f.folder.path()));
    for line in ["Remote-User: user0@contoso.com", "X-Forwarded-User: user0", "Authorization: Basic dXNlcjA6eA=="] {
        assert_eq!(page.get("/my", &[line, "Remote-Groups: helpdesk"]).status, 303, "{line}");
    }
}

#[test]
fn a_lost_provider_is_told_without_detail_and_whoever_is_signed_in_goes_on() {
    let f = store(1);
    let provider = Provider::start();
    let before = Page::with_provider(&f, &provider.openid(f.folder.path()));
    let cookie = signed_in(&before, &provider);
    provider.gone.store(true, Ordering::SeqCst);
    assert_eq!(before.get("/my", &[&cookie]).status, 200);
    let page = Page::with_provider(&f, &provider.openid(f.folder.path()));
    let refused = page.get("/sign-in?next=%2Fmy", &[]);
    assert_eq!(refused.status, 503);
    assert!(refused.body.contains("The identity provider does not answer") && !refused.body.contains("127.0.0.1"));
    page.log_with(&provider.address);
    let health = page.get("/healthz", &[]);
    assert_eq!((health.status, health.body.as_str()), (503, r#"{"store":"ok","provider":"failed"}"#));
}
