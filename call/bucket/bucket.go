package bucket

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// Config says which bucket, and how it is reached.
type Config struct {
	Endpoint  string // https://host[:port]
	Bucket    string
	Region    string
	Prefix    string // before each key
	AccessKey string
	SecretKey string
	Role      bool           // keys of the machine's role in place of these
	CA        *x509.CertPool // nil: that of the system
}

// Bucket is a bucket of a store.
type Bucket struct {
	client *minio.Client
	bucket string
	prefix string
}

var (
	errNotThere = fmt.Errorf("%w in the store", fs.ErrNotExist)
	errOther    = errors.New("the store has something else than was sent")
	errSaid     = errors.New("the store refuses")
)

// sumKey is the metadata that holds the SHA-256 of an object, in hex.
const sumKey = "Sha256"

// Open prepares what is needed to reach a bucket. The store isn't asked yet.
func Open(c Config) (*Bucket, error) {
	at, err := url.Parse(c.Endpoint)
	if err != nil || at.Host == "" {
		return nil, fmt.Errorf("open bucket: %q is no address", c.Endpoint)
	}
	secure := at.Scheme == "https"
	transport, err := minio.DefaultTransport(secure)
	if err != nil {
		return nil, fmt.Errorf("open bucket: %w", err)
	}
	if secure {
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.CA}
	}
	keys := credentials.NewStaticV4(c.AccessKey, c.SecretKey, "")
	if c.Role {
		keys = credentials.NewIAM("") // asks the machine, container or pod, and again before they expire
	}
	client, err := minio.New(at.Host, &minio.Options{
		Creds: keys, Secure: secure, Region: c.Region,
		Transport: transport, MaxRetries: 1, // whoever uploads has a patience of his own
	})
	if err != nil {
		return nil, fmt.Errorf("open bucket: %w", err)
	}
	return &Bucket{client: client, bucket: c.Bucket, prefix: c.Prefix}, nil
}

// Put copies a file there and returns once the store has confirmed all of it.
func (b *Bucket) Put(ctx context.Context, key, path, contentType string) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("store %s: %w", key, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	size, err := io.Copy(h, f)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("store %s: %w", key, err)
	}
	sum := hex.EncodeToString(h.Sum(nil))
	_, err = b.client.PutObject(ctx, b.bucket, b.prefix+key, f, size, minio.PutObjectOptions{
		ContentType: contentType, UserMetadata: map[string]string{sumKey: sum},
		SendContentMd5: true, DisableMultipart: true,
	})
	if err != nil {
		return fmt.Errorf("store %s: %w", key, meant(err))
	}
	info, err := b.client.StatObject(ctx, b.bucket, b.prefix+key, minio.StatObjectOptions{})
	if err != nil {
		return fmt.Errorf("store %s: confirm: %w", key, meant(err))
	}
	if info.Size != size || info.UserMetadata[sumKey] != sum {
		return fmt.Errorf("store %s: %w", key, errOther)
	}
	return nil
}

// Get returns an object and when it was stored; [fs.ErrNotExist] if there is
// none. What is read is fetched as it is read.
func (b *Bucket) Get(ctx context.Context, key string) (io.ReadSeekCloser, time.Time, error) {
	o, err := b.client.GetObject(ctx, b.bucket, b.prefix+key, minio.GetObjectOptions{})
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("fetch %s: %w", key, meant(err))
	}
	info, err := o.Stat()
	if err != nil {
		if minio.ToErrorResponse(err).Code == minio.NoSuchKey {
			err = errNotThere
		}
		return nil, time.Time{}, errors.Join(fmt.Errorf("fetch %s: %w", key, meant(err)), o.Close())
	}
	return o, info.LastModified, nil
}

// Place names an object for people.
func (b *Bucket) Place(key string) string { return "s3://" + b.bucket + "/" + b.prefix + key }

// meant gives what the store says a short form: its answers can be long, and
// repeat what was asked.
func meant(err error) error {
	said := minio.ErrorResponse{}
	if !errors.As(err, &said) {
		return err
	}
	return fmt.Errorf("%w: %d %s %s", errSaid, said.StatusCode, said.Code, strings.TrimSpace(said.Message))
}
