//! Makes the server's side of the protocol out of the files that the client `eventstore` ships: so the fake speaks what the
//! client was published with, and no copy of them is kept here.

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

const FILES: [&str; 3] = ["streams.proto", "serverfeatures.proto", "gossip.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let protos = client_root()?.join("protos");
    let mut descriptors = protox::compile(FILES.map(|file| protos.join(file)), [&protos])?;
    // Their comments are no Rust documentation.
    for file in &mut descriptors.file {
        file.source_code_info = None;
    }
    tonic_build::configure()
        .build_client(false)
        .include_file("protocol.rs")
        .compile_fds(descriptors)?;
    Ok(())
}

/// Where the sources of the client are, as cargo has them.
fn client_root() -> Result<PathBuf, Box<dyn Error>> {
    let output = Command::new(env::var("CARGO")?)
        .args([
            "metadata",
            "--format-version",
            "1",
            "--offline",
            "--locked",
            "--manifest-path",
        ])
        .arg(Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("Cargo.toml"))
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().ok_or("no packages")?;
    let client = packages
        .iter()
        .find(|package| package["name"] == "eventstore")
        .ok_or("eventstore is no dependency")?;
    let manifest = client["manifest_path"].as_str().ok_or("no path of eventstore")?;
    Ok(Path::new(manifest)
        .parent()
        .ok_or("no folder of eventstore")?
        .to_owned())
}
