// Package store keeps users, posts and files in PostgreSQL, by GORM on pgx.
// Its errors are GORM's, but for ErrNotOwner; see errors.go for the rest.
package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"
)

// timeout bounds the wait for a connection and for the answer together.
const timeout = 2500 * time.Millisecond

// Store is safe for concurrent use.
type Store struct {
	pool *sql.DB
	db   *gorm.DB
}

// Open returns a Store with up to size connections. It makes the first one when
// it is needed, so PostgreSQL may be away.
func Open(config *pgx.ConnConfig, size int) (*Store, error) {
	pool := stdlib.OpenDB(*config)
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	db, err := gorm.Open(postgres.New(postgres.Config{Conn: pool}), &gorm.Config{
		SkipDefaultTransaction: true,
		TranslateError:         true,
		DisableAutomaticPing:   true,
		Logger:                 logger.Discard, // the API logs what it answers with 500 or 503
	})
	if err != nil {
		return nil, fmt.Errorf("open GORM: %w", err)
	}
	return &Store{pool: pool, db: db}, nil
}

// Close closes all connections.
func (s *Store) Close() error { return s.pool.Close() }

// Ping returns nil if PostgreSQL answers.
func (s *Store) Ping(ctx context.Context) error {
	return s.run(ctx, func(db *gorm.DB) error { return s.pool.PingContext(db.Statement.Context) })
}

// run bounds the time of query and repeats it while retryPause says so. The end of ctx doesn't cancel it: a write that has
// begun finishes, and pgx would close the connection of a client that leaves.
func (s *Store) run(ctx context.Context, query func(db *gorm.DB) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	for {
		err := query(s.db.WithContext(ctx))
		pause := retryPause(err)
		if pause == 0 {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
}

// CreateUser inserts user and sets its id and time.
func (s *Store) CreateUser(ctx context.Context, user *User) error {
	return s.run(ctx, func(db *gorm.DB) error { return db.Create(user).Error })
}

// Credentials returns the id, username and password hash that belong to email.
func (s *Store) Credentials(ctx context.Context, email string) (user User, err error) {
	err = s.run(ctx, func(db *gorm.DB) error {
		return db.Select("id", "username", "password_hash").Where("email = ?", email).Take(&user).Error
	})
	return user, err
}

// Account returns what a user may see of itself.
func (s *Store) Account(ctx context.Context, id int64) (user User, err error) {
	err = s.run(ctx, func(db *gorm.DB) error {
		return db.Select("id", "username", "email", "created_at").Take(&user, id).Error
	})
	return user, err
}

// User returns what anyone may see of a user.
func (s *Store) User(ctx context.Context, id int64) (user User, err error) {
	err = s.run(ctx, func(db *gorm.DB) error {
		return db.Select("id", "username", "created_at").Take(&user, id).Error
	})
	return user, err
}

// Posts returns up to limit posts, newest first: those below the id before, or
// all where before is nil.
func (s *Store) Posts(ctx context.Context, before *int64, limit int) (posts []Post, err error) {
	err = s.run(ctx, func(db *gorm.DB) error {
		query := db.InnerJoins("Author").Order("posts.id DESC").Limit(limit)
		if before != nil {
			query = query.Where("posts.id < ?", *before)
		}
		return query.Find(&posts).Error
	})
	return posts, err
}

// Post returns a post with its author.
func (s *Store) Post(ctx context.Context, id int64) (post Post, err error) {
	err = s.run(ctx, func(db *gorm.DB) error { return db.InnerJoins("Author").Take(&post, id).Error })
	return post, err
}

// CreatePost inserts post and sets its id, version and times.
func (s *Store) CreatePost(ctx context.Context, post *Post) error {
	return s.run(ctx, func(db *gorm.DB) error { return db.Omit(clause.Associations).Create(post).Error })
}

// UpdatePost gives the post with the id and author of post a new title and body
// and sets the rest of post.
func (s *Store) UpdatePost(ctx context.Context, post *Post) error {
	return s.run(ctx, func(db *gorm.DB) error {
		result := db.Model(post).
			Clauses(clause.Returning{Columns: []clause.Column{{Name: "version"}, {Name: "created_at"}, {Name: "updated_at"}}}).
			Where("author_id = ?", post.AuthorID).
			Updates(map[string]any{
				"title":      post.Title,
				"body":       post.Body,
				"version":    gorm.Expr("version + 1"),
				"updated_at": gorm.Expr("now()"),
			})
		return changed(db, result, post.ID)
	})
}

// DeletePost deletes the post of this author.
func (s *Store) DeletePost(ctx context.Context, id, authorID int64) error {
	return s.run(ctx, func(db *gorm.DB) error {
		return changed(db, db.Where("author_id = ?", authorID).Delete(&Post{}, id), id)
	})
}

// changed asks, only where no row was changed, whether the post is missing or
// another author's.
func changed(db, result *gorm.DB, id int64) error {
	if result.Error != nil || result.RowsAffected != 0 {
		return result.Error
	}
	if err := db.Select("id").Take(&Post{}, id).Error; err != nil {
		return err
	}
	return ErrNotOwner
}

// CreateFile inserts file and sets its id.
func (s *Store) CreateFile(ctx context.Context, file *File) error {
	return s.run(ctx, func(db *gorm.DB) error { return db.Create(file).Error })
}

// File returns what a download needs.
func (s *Store) File(ctx context.Context, id int64) (file File, err error) {
	err = s.run(ctx, func(db *gorm.DB) error {
		return db.Select("filename", "content_type", "size", "storage_name").Take(&file, id).Error
	})
	return file, err
}
