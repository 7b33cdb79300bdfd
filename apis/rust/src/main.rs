use std::panic;

use fairground::config::Config;
use fairground::http;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = Config::from_env()?;
    init_log(config.log_level);
    http::serve(config).await
}

fn init_log(level: LevelFilter) {
    let targets = ["api", "fairground", "tower_http"].map(|target| (target, level));
    tracing_subscriber::registry()
        .with(tracing_subscriber::fmt::layer().with_ansi(false))
        .with(Targets::new().with_targets(targets))
        .init();
    // The default hook prints the message of the panic, which may quote what a client sent.
    panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        tracing::error!(location, "panic");
    }));
}
