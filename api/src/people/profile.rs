//! What somebody says of themselves to others.

use std::fmt;

use processes::people::DisplayName;
use serde::Serialize;
use utoipa::ToSchema;

/// Shown to those who may be inside the same room, and to hosts who ban the person.
#[derive(Default, Serialize, ToSchema)]
#[schema(as = Profile)]
pub(crate) struct ProfileBody {
    /// Null until the person says it, and when it cannot be read any more: say it again then.
    display_name: Option<String>,
}

impl From<DisplayName> for ProfileBody {
    fn from(name: DisplayName) -> Self {
        Self {
            display_name: Some(name.reveal().to_owned()),
        }
    }
}

impl fmt::Debug for ProfileBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProfileBody(…)")
    }
}
