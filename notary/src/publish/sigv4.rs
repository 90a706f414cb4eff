//! AWS Signature Version 4, as S3 and everything like it wants it: for requests with a whole body and no query.

use std::fmt::Write as _;

use domain::Timestamp;
use hmac::{Hmac, Mac};
use reqwest::header::{AUTHORIZATION, HOST, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest as _, Sha256};

use super::PublishError;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const SERVICE: &str = "s3";
const CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const DATE: HeaderName = HeaderName::from_static("x-amz-date");

/// Who asks, and where.
pub(super) struct Access<'a> {
    pub(super) key_id: &'a str,
    pub(super) secret: &'a SecretString,
    pub(super) region: &'a str,
}

/// Adds the headers that prove who sends this request. Every header that is there is signed.
pub(super) fn sign(
    access: &Access<'_>,
    now: Timestamp,
    method: &Method,
    url: &Url,
    headers: &mut HeaderMap,
    body: &[u8],
) -> Result<(), PublishError> {
    let time = now.format("%Y%m%dT%H%M%SZ").to_string();
    let day = now.format("%Y%m%d").to_string();
    let body_hash = hex(&Sha256::digest(body));
    headers.insert(HOST, value(&host(url)?)?);
    headers.insert(DATE, value(&time)?);
    headers.insert(CONTENT_SHA256, value(&body_hash)?);

    let (names, listed) = canonical(headers)?;
    let request = format!("{method}\n{}\n\n{listed}\n{names}\n{body_hash}", url.path());
    let scope = format!("{day}/{}/{SERVICE}/aws4_request", access.region);
    let to_sign = format!("{ALGORITHM}\n{time}\n{scope}\n{}", hex(&Sha256::digest(request)));
    let signature = hex(&mac(&signing_key(access, &day), to_sign.as_bytes()));
    let credential = format!("{}/{scope}", access.key_id);
    let authorization = format!("{ALGORITHM} Credential={credential},SignedHeaders={names},Signature={signature}");
    headers.insert(AUTHORIZATION, value(&authorization)?);
    Ok(())
}

/// The names of the headers, and their lines.
fn canonical(headers: &HeaderMap) -> Result<(String, String), PublishError> {
    let mut sorted: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value)).collect();
    sorted.sort_unstable_by_key(|(name, _)| *name);
    let names: Vec<&str> = sorted.iter().map(|(name, _)| *name).collect();
    let mut lines = String::new();
    for (name, value) in &sorted {
        let value = value.to_str().map_err(|_| unusable("a header is no text"))?;
        let _whole = writeln!(lines, "{name}:{}", value.trim());
    }
    Ok((names.join(";"), lines))
}

fn signing_key(access: &Access<'_>, day: &str) -> [u8; 32] {
    let secret = format!("AWS4{}", access.secret.expose_secret());
    let parts = [day, access.region, SERVICE, "aws4_request"];
    let first = mac(secret.as_bytes(), parts[0].as_bytes());
    parts[1..].iter().fold(first, |key, part| mac(&key, part.as_bytes()))
}

fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.chain_update(message).finalize().into_bytes().into()
}

fn host(url: &Url) -> Result<String, PublishError> {
    let host = url.host_str().ok_or_else(|| unusable("the bucket's URL has no host"))?;
    Ok(url
        .port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

fn value(text: &str) -> Result<HeaderValue, PublishError> {
    HeaderValue::from_str(text)
        .map_err(|_| unusable("the access key or the region has a character that no header takes"))
}

fn unusable(why: &str) -> PublishError {
    PublishError::Unusable(why.to_owned())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _whole = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use reqwest::header::{DATE as HTTP_DATE, RANGE};

    use super::*;

    /// The examples of the service's own documentation.
    fn signature(method: &Method, path: &str, headers: &[(HeaderName, &'static str)], body: &[u8]) -> String {
        let secret = SecretString::from("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
        let access = Access {
            key_id: "AKIAIOSFODNN7EXAMPLE",
            secret: &secret,
            region: "us-east-1",
        };
        let url = Url::parse(&format!("https://examplebucket.s3.amazonaws.com{path}")).unwrap();
        let given = headers
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
        let mut headers: HeaderMap = given.collect();
        let now = DateTime::from_timestamp(1_369_353_600, 0).unwrap();
        sign(&access, now, method, &url, &mut headers, body).unwrap();
        let authorization = headers[AUTHORIZATION].to_str().unwrap().to_owned();
        let scope = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,";
        assert!(authorization.starts_with(scope), "{authorization}");
        authorization.rsplit_once('=').unwrap().1.to_owned()
    }

    #[test]
    fn signatures_are_those_of_the_published_examples() {
        let range = [(RANGE, "bytes=0-9")];
        assert_eq!(
            signature(&Method::GET, "/test.txt", &range, b""),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        );
        let put = [
            (HTTP_DATE, "Fri, 24 May 2013 00:00:00 GMT"),
            (HeaderName::from_static("x-amz-storage-class"), "REDUCED_REDUNDANCY"),
        ];
        assert_eq!(
            signature(&Method::PUT, "/test%24file.text", &put, b"Welcome to Amazon S3."),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
        );
    }
}
