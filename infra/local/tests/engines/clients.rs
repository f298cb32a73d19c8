//! Clients of the ordinary SDK for engines started one by one.

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_http_client::Builder;
use local::dynamo::{IN_PROCESS, ShortCut};

/// Of tables in this process.
pub(crate) fn dynamodb(tables: &ShortCut) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("local"))
        .endpoint_url(IN_PROCESS)
        .allow_no_auth()
        .http_client(tables.clone());
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

/// Of tables behind a port.
pub(crate) fn dynamodb_at(
    endpoint: &str,
    access_key: &str,
    secret_key: &str,
) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("local"))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new(access_key, secret_key, None, None, "test"))
        .http_client(Builder::new().build_http());
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

pub(crate) fn streams(tables: &ShortCut) -> aws_sdk_dynamodbstreams::Client {
    let config = aws_sdk_dynamodbstreams::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("local"))
        .endpoint_url(IN_PROCESS)
        .allow_no_auth()
        .http_client(tables.clone());
    aws_sdk_dynamodbstreams::Client::from_conf(config.build())
}

pub(crate) fn s3(endpoint: &str, access_key: &str, secret_key: &str) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("local"))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new(access_key, secret_key, None, None, "test"))
        .force_path_style(true)
        .http_client(Builder::new().build_http());
    aws_sdk_s3::Client::from_conf(config.build())
}
