// Package store keeps users, posts and files in PostgreSQL, by GORM.
//
// Every method is one statement on one connection, outside of a transaction;
// UpdatePost and DeletePost take a second one to tell why nothing was changed.
// But for Ready, a statement goes on where ctx is cancelled, see execute.
package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"
)

// Store is safe for concurrent use.
type Store struct {
	pool pool
	orm  *gorm.DB
}

// User is a row of users.
type User struct {
	ID           int64
	Username     string
	Email        string
	PasswordHash string
	CreatedAt    time.Time `gorm:"autoCreateTime:false;default:now()"`
}

// Post is a row of posts. Author has ID and Username only.
type Post struct {
	ID        int64
	AuthorID  int64
	Author    User
	Title     string
	Body      string
	Version   int64     `gorm:"default:1"`
	CreatedAt time.Time `gorm:"autoCreateTime:false;default:now()"`
	UpdatedAt time.Time `gorm:"autoCreateTime:false;autoUpdateTime:false;default:now()"`
}

// File is a row of files.
type File struct {
	ID          int64
	OwnerID     int64
	Filename    string
	ContentType string
	Size        int64
	SHA256      string `gorm:"column:sha256"`
	StorageName string
	CreatedAt   time.Time `gorm:"autoCreateTime:false;default:now()"`
}

// Open returns a Store with up to size connections. It connects when a
// connection is first needed, so PostgreSQL may be away.
func Open(config *pgx.ConnConfig, size int) (*Store, error) {
	pool := newPool(config, size)
	orm, err := gorm.Open(postgres.New(postgres.Config{Conn: pool.db}), &gorm.Config{
		SkipDefaultTransaction: true,
		DisableAutomaticPing:   true,
		Logger:                 logger.Discard,
	})
	if err != nil {
		return nil, fmt.Errorf("opening GORM: %w", err)
	}
	return &Store{pool: pool, orm: orm}, nil
}

// Close closes all connections. Nothing may be in flight.
func (s *Store) Close() error {
	return s.pool.db.Close()
}

// Ready returns nil if PostgreSQL answers.
func (s *Store) Ready(ctx context.Context) error {
	ctx, err := s.pool.acquire(ctx)
	if err != nil {
		return err
	}
	defer s.pool.release()
	var one int
	return translate(s.pool.db.QueryRowContext(ctx, "SELECT 1").Scan(&one))
}

// execute has a connection for statements that nobody can cancel. One that
// changes something may have done so all the same when it is cut off, with the
// cache, or the file beside the row, left behind. And pgx would end the
// connection with the statement, and database/sql and pgx each have a goroutine
// for a context that can be done.
func (s *Store) execute(ctx context.Context, statements func(*gorm.DB) error) error {
	ctx, err := s.pool.acquire(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	defer s.pool.release()
	return translate(statements(s.orm.WithContext(ctx)))
}

// CreateUser inserts u and fills in its id and times.
func (s *Store) CreateUser(ctx context.Context, u *User) error {
	return s.execute(ctx, func(orm *gorm.DB) error { return orm.Create(u).Error })
}

// Credentials returns ID, Username and PasswordHash of the user with this
// address, in lower case.
func (s *Store) Credentials(ctx context.Context, email string) (u User, err error) {
	err = s.execute(ctx, func(orm *gorm.DB) error {
		return orm.Select("id", "username", "password_hash").Where("email = ?", email).Take(&u).Error
	})
	return u, err
}

// Account returns one user without PasswordHash.
func (s *Store) Account(ctx context.Context, id int64) (u User, err error) {
	err = s.execute(ctx, func(orm *gorm.DB) error {
		return orm.Select("id", "username", "email", "created_at").Take(&u, id).Error
	})
	return u, err
}

// User returns what anyone may see of one user: ID, Username and CreatedAt.
func (s *Store) User(ctx context.Context, id int64) (u User, err error) {
	err = s.execute(ctx, func(orm *gorm.DB) error {
		return orm.Select("id", "username", "created_at").Take(&u, id).Error
	})
	return u, err
}

// Posts returns up to limit posts with the highest ids, highest first, of
// those below before, or of all where before is 0.
func (s *Store) Posts(ctx context.Context, before int64, limit int) ([]Post, error) {
	posts := make([]Post, 0, limit)
	err := s.execute(ctx, func(orm *gorm.DB) error {
		query := withAuthor(orm).Order("posts.id DESC").Limit(limit)
		if before != 0 {
			query = query.Where("posts.id < ?", before)
		}
		return query.Find(&posts).Error
	})
	return posts, err
}

// Post returns one post with its author.
func (s *Store) Post(ctx context.Context, id int64) (p Post, err error) {
	err = s.execute(ctx, func(orm *gorm.DB) error { return withAuthor(orm).Take(&p, id).Error })
	return p, err
}

func withAuthor(orm *gorm.DB) *gorm.DB {
	return orm.InnerJoins("Author", orm.Select("id", "username"))
}

// CreatePost inserts p and fills in its id, version and times.
func (s *Store) CreatePost(ctx context.Context, p *Post) error {
	return s.execute(ctx, func(orm *gorm.DB) error { return orm.Omit("Author").Create(p).Error })
}

// UpdatePost gives the post p.ID of author p.AuthorID the title and body of p
// and fills in the rest of p. It fails with ErrNotFound, or with ErrNotOwner
// where the post is another author's.
func (s *Store) UpdatePost(ctx context.Context, p *Post) error {
	return s.execute(ctx, func(orm *gorm.DB) error {
		return checkOwned(orm, p.ID, orm.
			Model(p).
			Clauses(clause.Returning{Columns: []clause.Column{{Name: "version"}, {Name: "created_at"}, {Name: "updated_at"}}}).
			Where("author_id = ?", p.AuthorID).
			Updates(map[string]any{
				"title":      p.Title,
				"body":       p.Body,
				"version":    gorm.Expr("version + 1"),
				"updated_at": gorm.Expr("now()"),
			}))
	})
}

// DeletePost deletes the post id of author authorID. It fails as UpdatePost.
func (s *Store) DeletePost(ctx context.Context, id, authorID int64) error {
	return s.execute(ctx, func(orm *gorm.DB) error {
		return checkOwned(orm, id, orm.Where("author_id = ?", authorID).Delete(&Post{ID: id}))
	})
}

// checkOwned asks, only where nothing was changed, whether that is because
// there is no such post or because it is another author's.
func checkOwned(orm *gorm.DB, id int64, result *gorm.DB) error {
	if result.Error != nil || result.RowsAffected != 0 {
		return result.Error
	}
	if err := orm.Select("id").Take(&Post{}, id).Error; err != nil {
		return err
	}
	return ErrNotOwner
}

// CreateFile inserts f and fills in its id.
func (s *Store) CreateFile(ctx context.Context, f *File) error {
	return s.execute(ctx, func(orm *gorm.DB) error { return orm.Create(f).Error })
}

// File returns one file.
func (s *Store) File(ctx context.Context, id int64) (f File, err error) {
	err = s.execute(ctx, func(orm *gorm.DB) error { return orm.Take(&f, id).Error })
	return f, err
}
