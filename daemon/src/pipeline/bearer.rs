//! Who calls: a bearer token becomes a caller here, and what a token of limited use costs is taken.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use policies::{Caller, Door, Subject, limited};

use crate::appliance::Appliance;
use crate::fault::Fault;
use crate::login::Fare;
use crate::reply::Outbound;
use crate::route::Route;
use crate::surface::Surface;

/// What the token of a request has to do with the answer.
pub(super) enum Toll {
    /// Nothing: it is good for any number of calls, or there was none.
    None,
    /// It has so many uses left, none of which was taken.
    Seen(u64),
    /// A use was taken.
    Taken(Fare),
}

impl Toll {
    /// Says in the answer how many uses are left. Where the fault is ours, the use is given back
    /// before that is told.
    pub(super) async fn settle(self, appliance: &Appliance, response: &mut Outbound) {
        let left = match self {
            Self::None => return,
            Self::Seen(left) => left,
            Self::Taken(fare) if response.status().is_server_error() => {
                appliance.tickets().give_back(&fare).await
            }
            Self::Taken(fare) => fare.left,
        };
        response.headers_mut().insert(TOKEN_USES_LEFT, HeaderValue::from(left));
    }
}

/// The caller whose request to `route` has these headers, in the manner of a surface, and what it
/// cost.
///
/// # Errors
/// [`Fault::Unauthenticated`], without saying why.
pub(super) async fn caller(
    appliance: &Appliance,
    (surface, headers): (&dyn Surface, &HeaderMap),
    route: Option<&Route>,
) -> Result<(Caller, Toll), Fault> {
    let is_needless = route.is_some_and(|route| route.door == Door::Open);
    if is_needless && !surface.minds_needless_tokens() {
        return Ok((Caller::anonymous(), Toll::None));
    }
    let Some(token) = token(surface, headers)? else {
        return Ok((Caller::anonymous(), Toll::None));
    };
    // With its pairing an authenticator's tokens end, with its login an account's.
    let stands = |caller: &Caller| match caller.subject() {
        Subject::Account(id) => appliance.accounts().admit(id, caller.login()),
        Subject::External(kid) => appliance.keyring().is_paired(kid),
        _ => true,
    };
    let found = match limited::name(token) {
        None => appliance.desk().caller(token).map(|caller| (caller, Toll::None)),
        Some(_) if route.is_some_and(Route::is_question) => {
            let seen = appliance.tickets().look(token).await?;
            seen.map(|(caller, left)| (caller, Toll::Seen(left)))
        }
        Some(_) => {
            let admitted = appliance.tickets().admit(token, stands).await?;
            admitted.map(|(caller, fare)| (caller, Toll::Taken(fare)))
        }
    };
    found.filter(|(caller, _)| stands(caller)).ok_or_else(refused)
}

/// The bearer token of a request; `None` where it shows none.
///
/// # Errors
/// [`Fault::Unauthenticated`] where the header is not as the surface has it.
fn token<'a>(surface: &dyn Surface, headers: &'a HeaderMap) -> Result<Option<&'a str>, Fault> {
    let Some(header) = headers.get(AUTHORIZATION) else { return Ok(None) };
    let token = header.to_str().ok().and_then(|value| surface.bearer(value));
    token.map(Some).ok_or_else(refused)
}

fn refused() -> Fault {
    Fault::Unauthenticated(policies::session::BadToken.to_string().into())
}

/// How many calls the token of the request is good for yet, where that is limited.
const TOKEN_USES_LEFT: HeaderName = HeaderName::from_static("token-uses-left");
