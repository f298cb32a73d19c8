//! The embedded S3: the buckets of [`Objects`] behind a loopback endpoint with signatures checked.

use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use data_encoding::HEXLOWER;
use http_body_util::{BodyExt, Limited};
use md5::{Digest, Md5};
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::SimpleAuth;
use s3s::dto::{
    CommonPrefix, DeleteObjectInput, DeleteObjectOutput, ETag, ETagCondition, GetObjectInput,
    GetObjectOutput, HeadBucketInput, HeadBucketOutput, HeadObjectInput, HeadObjectOutput,
    ListObjectsV2Input, ListObjectsV2Output, PutObjectInput, PutObjectOutput, StreamingBlob,
};
use s3s::path::S3Path;
use s3s::service::S3ServiceBuilder;
use s3s::{Body, S3, S3Request, S3Response, S3Result, s3_error};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::error::{BoxError, chain};
use crate::listen::{self, Limits};
use crate::objects::{Change, Condition, Head, MAX_OBJECT, Objects, Upload, last_with};

/// Name of the bucket of the published site; anyone may read its objects.
pub const SITE_BUCKET: &str = "thuocdo-site";
/// Name of the bucket files for import are dropped in.
pub const DROP_BUCKET: &str = "thuocdo-drop";

const BUCKETS: [&str; 2] = [SITE_BUCKET, DROP_BUCKET];
/// Most keys in one page of a listing.
const MAX_KEYS: usize = 1_000;

const LIMITS: Limits = Limits {
    // Longer than the SDK keeps an idle connection, so that it is the SDK that closes it.
    head_timeout: Duration::from_secs(300),
    write_timeout: Duration::from_secs(30),
    request_timeout: Duration::from_secs(300),
    connections: 256,
    // Only programs of this machine come here.
    connections_per_address: 256,
    head_bytes: 64 * 1024,
};

/// What requests are signed with; drawn anew at every start.
#[derive(Clone)]
pub struct Credentials {
    /// Access key id.
    pub access_key: String,
    /// Secret access key.
    pub secret_key: String,
}

impl Credentials {
    /// Draws credentials nobody has seen.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn draw() -> Result<Self, BoxError> {
        let mut bytes = [0; 30];
        getrandom::fill(&mut bytes)?;
        let (access, secret) = bytes.split_at(10);
        Ok(Self {
            access_key: format!("LOCAL{}", data_encoding::BASE32_NOPAD.encode(access)),
            secret_key: BASE64_STANDARD.encode(secret),
        })
    }

    /// The same as the SDK takes them.
    #[must_use]
    pub fn of_sdk(&self) -> aws_sdk_s3::config::Credentials {
        let Self {
            access_key,
            secret_key,
        } = self;
        aws_sdk_s3::config::Credentials::new(access_key, secret_key, None, None, "local")
    }
}

/// The running endpoint.
pub struct Endpoint {
    /// Where the SDK finds it: `http://127.0.0.1:PORT`.
    pub endpoint: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Endpoint {
    /// Serves `objects` on a free loopback port.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(objects: Objects, credentials: &Credentials) -> Result<Self, BoxError> {
        let mut builder = S3ServiceBuilder::new(Backend { objects });
        builder.set_auth(SimpleAuth::from_single(
            credentials.access_key.as_str(),
            credentials.secret_key.as_str(),
        ));
        builder.set_access(Readers);
        let service = builder.build();
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            listen::serve(listener, LIMITS, &[], |_| service.clone(), stopped).await;
        });
        Ok(Self {
            endpoint,
            stop,
            task,
        })
    }

    /// Lets requests under way finish.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

/// Who may do what: the signed everything, the unsigned read objects of the site.
struct Readers;

#[async_trait]
impl S3Access for Readers {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        if context.credentials().is_some() {
            return Ok(());
        }
        let reads = matches!(context.s3_op().name(), "GetObject" | "HeadObject");
        match context.s3_path() {
            S3Path::Object { bucket, .. } if reads && &**bucket == SITE_BUCKET => Ok(()),
            _ => Err(s3_error!(AccessDenied)),
        }
    }
}

#[derive(Debug)]
struct Backend {
    objects: Objects,
}

#[async_trait]
impl S3 for Backend {
    async fn put_object(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let input = request.input;
        known_bucket(&input.bucket)?;
        let condition = match (&input.if_match, &input.if_none_match) {
            (None, None) => Condition::Always,
            (Some(tag), None) => if_match(tag),
            (None, Some(tag)) => if_none_match(tag),
            (Some(_), Some(_)) => return Err(s3_error!(InvalidRequest)),
        };
        let bytes = whole(input.body, input.content_length).await?;
        if let Some(expected) = &input.content_md5
            && BASE64_STANDARD.encode(Md5::digest(&bytes)) != *expected
        {
            return Err(s3_error!(BadDigest));
        }
        let upload = Upload {
            bytes,
            content_type: input.content_type,
            cache_control: input.cache_control,
        };
        let change = self
            .objects
            .put(&input.bucket, &input.key, upload, condition)
            .await;
        let etag = done(change, input.if_match.is_some())?;
        Ok(S3Response::new(PutObjectOutput {
            e_tag: Some(ETag::Strong(etag)),
            ..Default::default()
        }))
    }

    async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let input = request.input;
        known_bucket(&input.bucket)?;
        let object = self.objects.get(&input.bucket, &input.key).await;
        let object = object.map_err(internal)?.ok_or(s3_error!(NoSuchKey))?;
        let Head {
            etag,
            content_type,
            cache_control,
            last_modified,
            size,
        } = object.head;
        unchanged(input.if_match.as_ref(), input.if_none_match.as_ref(), &etag)?;
        let (bytes, content_range) = match input.range {
            None => (object.bytes, None),
            Some(range) => {
                let span = range.check(size)?;
                let text = format!("bytes {}-{}/{size}", span.start, span.end - 1);
                let span = usize::try_from(span.start).map_err(internal)?
                    ..usize::try_from(span.end).map_err(internal)?;
                (object.bytes.slice(span), Some(text))
            }
        };
        Ok(S3Response::new(GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: Some(i64::try_from(bytes.len()).map_err(internal)?),
            content_range,
            body: Some(StreamingBlob::from(Body::from(bytes))),
            e_tag: Some(ETag::Strong(etag)),
            content_type,
            cache_control,
            last_modified: Some(last_modified.into()),
            ..Default::default()
        }))
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = request.input;
        known_bucket(&input.bucket)?;
        let head = self.objects.head(&input.bucket, &input.key).await;
        let head = head.map_err(internal)?.ok_or(s3_error!(NoSuchKey))?;
        unchanged(
            input.if_match.as_ref(),
            input.if_none_match.as_ref(),
            &head.etag,
        )?;
        Ok(S3Response::new(HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: Some(i64::try_from(head.size).map_err(internal)?),
            e_tag: Some(ETag::Strong(head.etag)),
            content_type: head.content_type,
            cache_control: head.cache_control,
            last_modified: Some(head.last_modified.into()),
            ..Default::default()
        }))
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let input = request.input;
        known_bucket(&input.bucket)?;
        let condition = input.if_match.as_ref().map_or(Condition::Always, if_match);
        let change = self
            .objects
            .delete(&input.bucket, &input.key, condition)
            .await;
        done(change, input.if_match.is_some())?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        known_bucket(&input.bucket)?;
        let limit = match input.max_keys {
            None => MAX_KEYS,
            Some(keys) => usize::try_from(keys)
                .map_err(|_| s3_error!(InvalidArgument))?
                .min(MAX_KEYS),
        };
        let after = match &input.continuation_token {
            Some(token) => place_of(token)?,
            None => input.start_after.clone().unwrap_or_default(),
        };
        let prefix = input.prefix.clone().unwrap_or_default();
        let delimiter = input.delimiter.as_deref().filter(|text| !text.is_empty());
        let page = self
            .page(&input.bucket, &prefix, delimiter, after, limit)
            .await
            .map_err(internal)?;
        let count = page.objects.len() + page.groups.len();
        let groups = page.groups.into_iter().map(|prefix| CommonPrefix {
            prefix: Some(prefix),
        });
        let objects = page
            .objects
            .into_iter()
            .map(|(key, head)| s3s::dto::Object {
                key: Some(key),
                e_tag: Some(ETag::Strong(head.etag)),
                size: i64::try_from(head.size).ok(),
                last_modified: Some(head.last_modified.into()),
                ..Default::default()
            });
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(input.bucket),
            contents: Some(objects.collect()),
            common_prefixes: Some(groups.collect()),
            key_count: i32::try_from(count).ok(),
            max_keys: i32::try_from(limit).ok(),
            is_truncated: Some(page.next.is_some()),
            next_continuation_token: page.next.map(|place| HEXLOWER.encode(place.as_bytes())),
            prefix: input.prefix,
            delimiter: input.delimiter,
            continuation_token: input.continuation_token,
            start_after: input.start_after,
            ..Default::default()
        }))
    }

    async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        known_bucket(&request.input.bucket)?;
        Ok(S3Response::new(HeadBucketOutput::default()))
    }
}

/// One page of a listing.
#[derive(Debug, Default)]
struct Page {
    objects: Vec<(String, Head)>,
    groups: Vec<String>,
    /// After which key the next page begins, where there is one.
    next: Option<String>,
}

impl Backend {
    async fn page(
        &self,
        bucket: &str,
        prefix: &str,
        delimiter: Option<&str>,
        mut after: String,
        limit: usize,
    ) -> Result<Page, BoxError> {
        let mut page = Page::default();
        if limit == 0 {
            return Ok(page);
        }
        loop {
            let found = self.objects.list(bucket, prefix, &after, limit + 1).await?;
            let exhausted = found.len() <= limit;
            let mut skipped = false;
            for (key, head) in found {
                if page.objects.len() + page.groups.len() == limit {
                    page.next = Some(after);
                    return Ok(page);
                }
                let group = delimiter.and_then(|delimiter| {
                    let end = key[prefix.len()..].find(delimiter)? + prefix.len();
                    Some(key[..end + delimiter.len()].to_owned())
                });
                match group {
                    Some(group) => {
                        after = last_with(&group);
                        page.groups.push(group);
                        skipped = true;
                        break;
                    }
                    None => {
                        after.clone_from(&key);
                        page.objects.push((key, head));
                    }
                }
            }
            if exhausted && !skipped {
                return Ok(page);
            }
        }
    }
}

fn known_bucket(bucket: &str) -> S3Result<()> {
    if BUCKETS.contains(&bucket) {
        Ok(())
    } else {
        Err(s3_error!(NoSuchBucket))
    }
}

fn if_match(condition: &ETagCondition) -> Condition {
    match condition {
        ETagCondition::Any => Condition::Present,
        ETagCondition::ETag(tag) => Condition::Tag(tag.value().to_owned()),
    }
}

fn if_none_match(condition: &ETagCondition) -> Condition {
    match condition {
        ETagCondition::Any => Condition::Absent,
        ETagCondition::ETag(tag) => Condition::NotTag(tag.value().to_owned()),
    }
}

fn done(change: Result<Change, BoxError>, must_exist: bool) -> S3Result<String> {
    match change.map_err(internal)? {
        Change::Done(etag) => Ok(etag),
        Change::Refused { exists: false } if must_exist => Err(s3_error!(NoSuchKey)),
        Change::Refused { .. } => Err(s3_error!(PreconditionFailed)),
    }
}

fn unchanged(
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
    etag: &str,
) -> S3Result<()> {
    let names = |condition: &ETagCondition| match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(tag) => tag.value() == etag,
    };
    if if_match.is_some_and(|condition| !names(condition)) {
        return Err(s3_error!(PreconditionFailed));
    }
    if if_none_match.is_some_and(names) {
        return Err(s3_error!(NotModified));
    }
    Ok(())
}

async fn whole(body: Option<StreamingBlob>, length: Option<i64>) -> S3Result<Bytes> {
    let too_large = || s3_error!(EntityTooLarge);
    if length.is_some_and(|length| usize::try_from(length).is_ok_and(|n| n > MAX_OBJECT)) {
        return Err(too_large());
    }
    let Some(body) = body else {
        return Ok(Bytes::new());
    };
    match Limited::new(Body::from(body), MAX_OBJECT).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(too_large()),
        // The connection broke, or a chunk's signature or checksum is wrong.
        Err(_) => Err(s3_error!(IncompleteBody)),
    }
}

fn place_of(token: &str) -> S3Result<String> {
    let bytes = HEXLOWER.decode(token.as_bytes());
    bytes
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or(s3_error!(InvalidArgument))
}

fn internal(error: impl Into<BoxError>) -> s3s::S3Error {
    tracing::error!(cause = chain(&*error.into()), "the object store failed");
    s3_error!(InternalError)
}
