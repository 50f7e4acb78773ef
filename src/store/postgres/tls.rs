//! TLS to PostgreSQL, by the rules of its `sslmode` (PostgreSQL manual, 34.19.1) and of sqlx: `prefer` and `require`
//! encrypt, `verify-ca` also asks for a certificate of a known authority, `verify-full` for one of this very host.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use sea_orm::sqlx::postgres::PgSslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::fault::Fault;

/// What a certificate must show.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    /// That a known authority signed it.
    authorities: Option<Arc<WebPkiServerVerifier>>,
    /// That it is the host's.
    host: bool,
}

/// Where the certificates are, as sqlx writes it: `file: ` and its name, or the certificates themselves, as PEM.
#[derive(Default)]
pub(super) struct Certificates {
    /// Of authorities, besides those that everybody knows.
    pub(super) root: Option<String>,
    /// Our own, with its key.
    pub(super) own: Option<(String, String)>,
}

/// How to speak TLS to a server.
pub(super) fn connector(mode: PgSslMode, certificates: &Certificates) -> Result<MakeRustlsConnect, Fault> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifies = matches!(mode, PgSslMode::VerifyCa | PgSslMode::VerifyFull);
    let authorities = verifies.then(|| authorities(&provider, certificates.root.as_deref())).transpose()?;
    let host = matches!(mode, PgSslMode::VerifyFull);
    let verifier = Verifier { provider: Arc::clone(&provider), authorities, host };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    Ok(MakeRustlsConnect::new(match &certificates.own {
        Some((chain, key)) => {
            config.with_client_auth_cert(chain_of(chain)?, PrivateKeyDer::from_pem_slice(&pem(key)?)?)?
        }
        None => config.with_no_client_auth(),
    }))
}

fn authorities(provider: &Arc<CryptoProvider>, root: Option<&str>) -> Result<Arc<WebPkiServerVerifier>, Fault> {
    let mut known = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    for certificate in root.map(chain_of).transpose()?.into_iter().flatten() {
        known.add(certificate)?;
    }
    Ok(WebPkiServerVerifier::builder_with_provider(Arc::new(known), Arc::clone(provider)).build()?)
}

fn chain_of(source: &str) -> Result<Vec<CertificateDer<'static>>, Fault> {
    Ok(CertificateDer::pem_slice_iter(&pem(source)?).collect::<Result<_, _>>()?)
}

fn pem(source: &str) -> Result<Vec<u8>, Fault> {
    match source.strip_prefix("file: ") {
        Some(file) => std::fs::read(file).map_err(|error| format!("{file}: {error}").into()),
        None => Ok(source.as_bytes().to_vec()),
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(authorities) = &self.authorities else { return Ok(ServerCertVerified::assertion()) };
        match authorities.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.host => Ok(ServerCertVerified::assertion()),
            outcome => outcome,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
