// Package store keeps users, posts and files in PostgreSQL, by GORM.
//
// Every method is one statement on one connection, outside of a transaction;
// UpdatePost and DeletePost take a second one to tell why nothing was changed.
package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"
)

// Store is safe for concurrent use.
type Store struct {
	pool *pgxpool.Pool
	sql  *sql.DB
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

// Open returns a Store over a new pool. It connects when a connection is
// first needed, so PostgreSQL may be away.
func Open(ctx context.Context, config *pgxpool.Config) (*Store, error) {
	pool, err := newPool(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("opening the PostgreSQL pool: %w", err)
	}
	db := newDB(pool)
	orm, err := gorm.Open(postgres.New(postgres.Config{Conn: db}), &gorm.Config{
		SkipDefaultTransaction: true,
		DisableAutomaticPing:   true,
		Logger:                 logger.Discard,
	})
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("opening GORM: %w", err)
	}
	return &Store{pool: pool, sql: db, orm: orm}, nil
}

// Close closes all connections. Nothing may be in flight.
func (s *Store) Close() error {
	err := s.sql.Close()
	s.pool.Close()
	return err
}

// Ready returns nil if PostgreSQL answers.
func (s *Store) Ready(ctx context.Context) error {
	var one int
	return translate(s.sql.QueryRowContext(ctx, "SELECT 1").Scan(&one))
}

// CreateUser inserts u and fills in its id and times.
func (s *Store) CreateUser(ctx context.Context, u *User) error {
	return translate(s.orm.WithContext(ctx).Create(u).Error)
}

// UserByEmail returns the user with this address, in lower case.
func (s *Store) UserByEmail(ctx context.Context, email string) (User, error) {
	var u User
	err := s.orm.WithContext(ctx).Where("email = ?", email).Take(&u).Error
	return u, translate(err)
}

// UserByID returns one user.
func (s *Store) UserByID(ctx context.Context, id int64) (User, error) {
	var u User
	err := s.orm.WithContext(ctx).Take(&u, id).Error
	return u, translate(err)
}

// Posts returns up to limit posts with the highest ids, highest first, of
// those below before, or of all where before is 0.
func (s *Store) Posts(ctx context.Context, before int64, limit int) ([]Post, error) {
	query := s.postsWithAuthor(ctx).Order("posts.id DESC").Limit(limit)
	if before != 0 {
		query = query.Where("posts.id < ?", before)
	}
	posts := make([]Post, 0, limit)
	err := query.Find(&posts).Error
	return posts, translate(err)
}

// Post returns one post with its author.
func (s *Store) Post(ctx context.Context, id int64) (Post, error) {
	var p Post
	err := s.postsWithAuthor(ctx).Take(&p, id).Error
	return p, translate(err)
}

func (s *Store) postsWithAuthor(ctx context.Context) *gorm.DB {
	db := s.orm.WithContext(ctx)
	return db.InnerJoins("Author", s.orm.Select("id", "username"))
}

// CreatePost inserts p and fills in its id, version and times.
func (s *Store) CreatePost(ctx context.Context, p *Post) error {
	return translate(s.orm.WithContext(ctx).Omit("Author").Create(p).Error)
}

// UpdatePost gives the post p.ID of author p.AuthorID the title and body of p
// and fills in the rest of p. It fails with ErrNotFound, or with ErrNotOwner
// where the post is another author's.
func (s *Store) UpdatePost(ctx context.Context, p *Post) error {
	result := s.orm.WithContext(ctx).
		Model(p).
		Clauses(clause.Returning{Columns: []clause.Column{{Name: "version"}, {Name: "created_at"}, {Name: "updated_at"}}}).
		Where("author_id = ?", p.AuthorID).
		Updates(map[string]any{
			"title":      p.Title,
			"body":       p.Body,
			"version":    gorm.Expr("version + 1"),
			"updated_at": gorm.Expr("now()"),
		})
	return s.checkOwned(ctx, p.ID, result)
}

// DeletePost deletes the post id of author authorID. It fails as UpdatePost.
func (s *Store) DeletePost(ctx context.Context, id, authorID int64) error {
	result := s.orm.WithContext(ctx).Where("author_id = ?", authorID).Delete(&Post{ID: id})
	return s.checkOwned(ctx, id, result)
}

// checkOwned asks, only where nothing was changed, whether that is because
// there is no such post or because it is another author's.
func (s *Store) checkOwned(ctx context.Context, id int64, result *gorm.DB) error {
	if result.Error != nil || result.RowsAffected != 0 {
		return translate(result.Error)
	}
	err := s.orm.WithContext(ctx).Select("id").Take(&Post{}, id).Error
	if err != nil {
		return translate(err)
	}
	return ErrNotOwner
}

// CreateFile inserts f and fills in its id.
func (s *Store) CreateFile(ctx context.Context, f *File) error {
	return translate(s.orm.WithContext(ctx).Create(f).Error)
}

// File returns one file.
func (s *Store) File(ctx context.Context, id int64) (File, error) {
	var f File
	err := s.orm.WithContext(ctx).Take(&f, id).Error
	return f, translate(err)
}
